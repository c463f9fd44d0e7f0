"""Basin maps."""

from service.api import examples
from service.api.requests import make_router
from service.api.routes.computations import ComputationRoutes, ResourceText, ResultFile
from service.operations.basins import BASIN_MAP, basin_map_npz
from service.operations.pictures import basin_map_picture
from service.schemas.basin_maps import BasinMapPage

router = make_router("Basin maps")

routes = ComputationRoutes(
    router,
    BASIN_MAP,
    BasinMapPage,
    ResourceText(
        noun="basin map",
        id_name="map_id",
        id_example=examples.MAP_ID,
        create="Train from every point of a grid",
        operation="map_basins",
        effect="Train from every pair of weights on a grid, and return which of them succeed.",
    ),
)
# Before the route of ids, which would match the paths of files as well.
routes.add_file(
    ResultFile(
        name="basin_map",
        path="",
        summary="Draw or download a basin map",
        description="Draw which initial weights reach the target cost, and after how many "
        "iterations.\n\nThe npz file contains the arrays.",
        draw=basin_map_picture,
        format="npz",
        download=basin_map_npz,
    )
)
routes.add_all(examples.BASIN_MAP)
