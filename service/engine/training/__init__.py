"""Training runs and basin maps."""

from service.engine.training.basins import (
    BasinCheckpoint,
    BasinMap,
    advance_basin_map,
    assemble_basin_map,
    start_basin_map,
)
from service.engine.training.optimizer import (
    GradientOptimizer,
    LeastSquaresOptimizer,
    Optimizer,
    OptimizerSpec,
    Parameter,
)
from service.engine.training.optimizers import OPTIMIZERS
from service.engine.training.run import (
    TrainingCheckpoint,
    Trajectory,
    advance_training,
    assemble_trajectory,
    start_training,
    train,
)
from service.engine.training.setup import Clip, Outcome, TrainingSetup

__all__ = [
    "OPTIMIZERS",
    "BasinCheckpoint",
    "BasinMap",
    "Clip",
    "GradientOptimizer",
    "LeastSquaresOptimizer",
    "Optimizer",
    "OptimizerSpec",
    "Outcome",
    "Parameter",
    "TrainingCheckpoint",
    "TrainingSetup",
    "Trajectory",
    "advance_basin_map",
    "advance_training",
    "assemble_basin_map",
    "assemble_trajectory",
    "start_basin_map",
    "start_training",
    "train",
]
