"""What the training configuration needs beside MONAI's engines and handlers."""

from mactfusion.engine.averaging import AveragedNetwork, FollowTraining
from mactfusion.engine.best import BestMetric, SaveBest
from mactfusion.engine.checkpoint import Checkpoints, read_checkpoint
from mactfusion.engine.contrasts import RandSecondContrastd
from mactfusion.engine.draws import Draws, DrawSampler, SeedSteps
from mactfusion.engine.figure import FusionFigure
from mactfusion.engine.lesions import LesionContrastLoss, LesionedPairs, RandLesionsd
from mactfusion.engine.progress import PairProgress
from mactfusion.engine.seen import AddSeend, prepare_seen_pair
from mactfusion.engine.shifted import ShiftConsistencyLoss, ShiftedPairs
from mactfusion.engine.start import start_from
from mactfusion.engine.step import AutocastInferer, ClipGradients, MeanLoss, prepare_pair

__all__ = [
    "AddSeend",
    "AutocastInferer",
    "AveragedNetwork",
    "BestMetric",
    "Checkpoints",
    "ClipGradients",
    "DrawSampler",
    "Draws",
    "FollowTraining",
    "FusionFigure",
    "LesionContrastLoss",
    "LesionedPairs",
    "MeanLoss",
    "PairProgress",
    "RandLesionsd",
    "RandSecondContrastd",
    "SaveBest",
    "SeedSteps",
    "ShiftConsistencyLoss",
    "ShiftedPairs",
    "prepare_pair",
    "prepare_seen_pair",
    "read_checkpoint",
    "start_from",
]
