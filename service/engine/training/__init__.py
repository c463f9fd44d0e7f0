"""Training runs and basin maps."""

from service.engine.training.basins import (
    BasinMap,
    advance_basin_map,
    assemble_basin_map,
    start_basin_map,
)
from service.engine.training.batch import BasinCheckpoint
from service.engine.training.clip import Clip
from service.engine.training.optimizers import (
    OPTIMIZERS,
    GradientOptimizer,
    LeastSquaresOptimizer,
    Optimizer,
    OptimizerSpec,
    Parameter,
)
from service.engine.training.outcome import Outcome
from service.engine.training.run import advance_training, start_training, train
from service.engine.training.setup import TrainingSetup
from service.engine.training.trajectory import TrainingCheckpoint, Trajectory, assemble_trajectory

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
