"""Fits of recurrences, their tables and their profiles."""

from service.api.requests import make_router
from service.api.routes.computations import ComputationRoutes
from service.operations.fits import FIT, fit_csv, profile_csv
from service.operations.pictures import fit_picture, profile_picture
from service.schemas.fit_results import FitPage

router = make_router("Fits")

routes = ComputationRoutes(router, FIT, FitPage)
routes.add_file(
    name="fit",
    summary="Draw or download a fit",
    description="Draw targets and fit over time with the residuals, or list them as CSV.\n\n"
    "A table begins at the first target of each sequence. Its columns are `sequence`, from 0, "
    "`step`, from 1, `target`, `prediction`, the band of the prediction, `low` and `high`, and "
    "`residual`. A field without a number is empty.",
    draw=fit_picture,
    table="csv",
    download=fit_csv,
)
routes.add_file(
    name="fit_profile",
    path="/profile",
    summary="Draw or download the profile of a fit",
    description="Draw the lowest mean squared error, `cost`, with each `w_rec`, or list it as CSV.",
    draw=profile_picture,
    table="csv",
    download=profile_csv,
)
routes.add_create(
    "fit",
    "Fit a recurrence",
    "Fit S_k = w_rec S_{k-1} + w_in x_k with all its unknowns, and return the "
    "least-squares optimum, its intervals, and whether to trust them.",
)
routes.add_others()
