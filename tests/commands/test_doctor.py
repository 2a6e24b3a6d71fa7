"""The doctor says what is missing and the command that mends it."""

import importlib.metadata

import pytest

from vae_teach.__main__ import main
from vae_teach.commands import doctor
from vae_teach.machine.device import pick_device


def test_a_complete_machine_is_well(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "data_finding", lambda: doctor.Finding("data", "strokes"))
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "device" in out and "Everything the chapters need is here." in out


def test_a_missing_package_is_named_with_its_cure(capsys, monkeypatch):
    version = importlib.metadata.version

    def without_nbval(name):
        if name == "nbval":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_nbval)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "MISS nbval" in out and "cure: pip install -r requirements.txt" in out
    assert "1 missing" in out


def test_another_version_than_the_pinned_one_is_only_a_note():
    (finding,) = [f for f in doctor.package_findings({"torch": "0.1"}) if f.what == "torch"]
    assert finding.optional and "tested with 0.1" in finding.found


def test_a_missing_browser_is_a_note_not_a_failure(monkeypatch):
    monkeypatch.delenv("VAE_TEACH_CHROMIUM", raising=False)
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    assert all(f.optional and f.cure for f in doctor.tool_findings())


def test_the_browser_that_the_tests_take_is_the_one_that_is_named(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    monkeypatch.setenv("VAE_TEACH_CHROMIUM", "/opt/chromium")
    (finding,) = [f for f in doctor.tool_findings() if f.what == "browser"]
    assert finding.found == "/opt/chromium" and finding.cure is None


def test_a_wrong_device_wish_is_reported(monkeypatch):
    monkeypatch.setenv("VAE_TEACH_DEVICE", "abacus")
    finding = doctor.device_finding()
    assert finding.cure == "unset VAE_TEACH_DEVICE" and "abacus" in finding.found


def test_the_device_that_is_used_is_named_and_has_made_training_steps(monkeypatch):
    monkeypatch.delenv("VAE_TEACH_DEVICE", raising=False)
    finding = doctor.device_finding()
    assert finding.cure is None
    assert finding.found.startswith(str(pick_device())) and ", trains: " in finding.found


def test_a_device_that_cannot_train_is_told_in_one_line(monkeypatch):
    """A card whose driver is too old holds tensors and fails at the first product."""

    def fail(*_, **__):
        raise RuntimeError("no kernel image is available for execution\nand a page more")

    monkeypatch.setattr("vae_teach.training.loop.fit", fail)
    finding = doctor.device_finding()
    assert finding.found.endswith("but training fails there: no kernel image is available for "
                                  "execution")  # fmt: skip
    assert finding.cure == "export VAE_TEACH_DEVICE=cpu"


def test_missing_data_is_reported(monkeypatch):
    monkeypatch.setenv("VAE_TEACH_DATASET", "no-such-data")
    finding = doctor.data_finding()
    assert finding.cure == "unset VAE_TEACH_DATASET" and "no-such-data" in finding.found
    monkeypatch.setenv("VAE_TEACH_DATASET", "strokes")
    monkeypatch.setenv("VAE_TEACH_DATA", "no-such-folder")
    monkeypatch.delenv("VAE_TEACH_DATASET")
    assert doctor.data_finding().cure == "unset VAE_TEACH_DATA"
    monkeypatch.delenv("VAE_TEACH_DATA")
    monkeypatch.setenv("VAE_TEACH_DATASET", "fashion_mnist")
    monkeypatch.setenv("VAE_TEACH_CACHE", "no-such-cache")
    assert doctor.data_finding().cure == "python -m vae_teach data"


def test_pins_are_read_with_markers_and_without(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("# comment\ntorch==2.13.0\njupyterlab_myst==2.7.0 ; python_version > '3'\n")
    assert doctor.pinned_versions(file) == {"torch": "2.13.0", "jupyterlab-myst": "2.7.0"}
    assert doctor.pinned_versions(tmp_path / "absent") == {}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_command_line_answers(arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0


def test_a_user_error_is_one_line_and_no_traceback(capsys, monkeypatch):
    def fail(_):
        raise ValueError("epochs must be at least 1, but it is 0")

    monkeypatch.setattr(doctor, "tool_findings", lambda: fail(None))
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err == "error: epochs must be at least 1, but it is 0\n"
