import os
import sys

import pytest

from edge_emotion.native_talk import held_back


def test_native_talk_is_held_back_and_shown_on_failure(capfd: pytest.CaptureFixture[str]) -> None:
    with held_back():
        os.write(1, b"chatter")
        os.write(2, b"chatter")
    assert capfd.readouterr() == ("", "")
    with pytest.raises(RuntimeError), held_back():
        os.write(1, b"the reason")
        raise RuntimeError
    assert capfd.readouterr() == ("", "the reason")


@pytest.mark.parametrize("fails", [False, True])
def test_a_process_without_stdout_and_stderr(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    try:
        with held_back():
            assert not fails
    except AssertionError:
        assert fails


def test_closed_descriptors_are_left_alone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """In a process of its own, whose descriptors 1 and 2 are closed and whose streams are None."""
    script = (
        "import os, sys\n"
        "from edge_emotion.native_talk import held_back, is_open\n"
        "assert sys.stdout is None and sys.stderr is None\n"
        "with held_back():\n    pass\n"
        "assert not is_open(1) and not is_open(2)\n"
        "open(sys.argv[1], 'w').write('done')\n"
    )
    child = os.fork()
    if child == 0:
        os.close(1)
        os.close(2)
        os.execv(sys.executable, [sys.executable, "-c", script, str(tmp_path / "said")])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "said").read_text() == "done"
