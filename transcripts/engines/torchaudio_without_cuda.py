"""Lets torchaudio's wheel from PyPI be imported beside a torch without CUDA; call `prepare` before whisperx.

That wheel's compiled extension is linked against CUDA and cannot be loaded there, so `import torchaudio`
fails, though nothing that WhisperX uses of it is compiled. torchaudio knows builds without the extension;
this puts the module in place by which it tells one.
"""

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

NAME = "torchaudio._extension"


def prepare() -> None:
    """Place the stand-in, unless torch has CUDA or torchaudio is already imported."""
    import torch

    if (
        torch.version.cuda is None
        and "torchaudio" not in sys.modules
        and importlib.util.find_spec("torchaudio")
    ):
        sys.modules[NAME] = _stand_in()


def _stand_in() -> ModuleType:
    module = ModuleType(NAME)
    vars(module).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        _check_cuda_version=lambda: None,
        fail_if_no_align=_refusing,
    )
    return module


def _refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    """What torchaudio wraps the functions with that need the extension."""

    def refuse(*args: object, **options: object) -> None:
        raise RuntimeError(f"{function.__name__} needs torchaudio's compiled extension")

    return refuse
