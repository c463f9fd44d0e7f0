"""Basin maps."""

from service.api.requests import make_router
from service.api.routes.computations import ComputationRoutes
from service.operations.basins import BASIN_MAP, basin_map_npz
from service.operations.pictures import basin_map_picture
from service.schemas.basin_maps import BasinMapPage

router = make_router("Basin maps")

routes = ComputationRoutes(router, BASIN_MAP, BasinMapPage)
routes.add_file(
    name="basin_map",
    summary="Draw or download a basin map",
    description="Draw which initial weights reach the target cost, and after how many "
    "iterations.\n\nThe npz file contains the arrays.",
    draw=basin_map_picture,
    table="npz",
    download=basin_map_npz,
)
routes.add_create(
    "map_basins",
    "Train from every point of a grid",
    "Train from every pair of weights on a grid, and return which of them succeed.",
)
routes.add_others()
