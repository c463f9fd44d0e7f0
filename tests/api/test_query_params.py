"""Query parameters as models, and the requests that they make."""

import pytest
from pydantic import ValidationError

from service.api.query_params import ComputationListQuery, CostSurfaceQuery, GradientTraceQuery
from service.errors import Invalid


@pytest.mark.parametrize("limit", ["0", "101", "1_0", "+5", " 5", "5.0", "\u0665"])
def test_a_limit_has_digits_only(limit: str) -> None:
    assert ComputationListQuery.model_validate({"limit": "100"}).limit == 100
    with pytest.raises(ValidationError):
        ComputationListQuery.model_validate({"limit": limit})


def test_only_given_parameters_are_in_the_request() -> None:
    request = GradientTraceQuery.model_validate({}).to_request()
    assert request.model_fields_set == {"dataset", "network"}
    assert len(request.points) == 6
    request = GradientTraceQuery.model_validate({"point": ["1,2"], "seed": "7"}).to_request()
    assert [(point.w_in, point.w_rec) for point in request.points] == [(1.0, 2.0)]
    assert request.dataset.model_dump(exclude_unset=True) == {"kind": "count_ones", "seed": 7}


def test_a_parameter_of_a_window_replaces_both_windows() -> None:
    assert len(CostSurfaceQuery.model_validate({}).to_request().windows) == 2
    (window,) = CostSurfaceQuery.model_validate({"resolution": "5"}).to_request().windows
    assert window.resolution == 5
    (window,) = CostSurfaceQuery.model_validate({"w_in": "0,1"}).to_request().windows
    assert "resolution" not in window.model_fields_set


def test_a_stored_dataset_excludes_the_parameters_of_a_drawn_one() -> None:
    query = GradientTraceQuery.model_validate({"dataset": "ds_1", "n_steps": "3"})
    with pytest.raises(Invalid, match="n_steps"):
        query.to_request()
