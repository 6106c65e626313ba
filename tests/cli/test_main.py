"""The application as a whole: help, version, and how wrong usage reads."""

import subprocess
import sys

import pytest

import audiostreamer

COMMANDS = ("features", "probe", "windows", "demo")


def test_version(run):
    assert run("--version").stdout == f"audiostreamer {audiostreamer.__version__}\n"


def test_help_names_every_command(run):
    shown = run("--help").stdout
    assert all(f" {command} " in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"audiostreamer {command}" in result.stdout


def test_shared_options_are_the_same_everywhere(run):
    for command in ("features", "windows"):
        shown = run(command, "--help").stdout
        for option in ["window", "hop", "overlap", "tail", "rate", "mono", "channels", "offset", "duration", "errors"]:
            assert f"--{option} " in shown, (command, option)


def test_help_imports_no_driver():
    code = (
        "import sys, audiostreamer.cli.main\n"
        "late = {'matplotlib', 'soundfile', 'av', 'rich.progress'} & set(sys.modules)\n"
        "sys.exit(f'imported: {late}' if late else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--window", "25"), "--window '25': write a number and its unit"),
        (("--window", "25 parsecs"), "unknown unit 'parsecs'"),
        (("--hop", "10ms", "--overlap", "0.5"), "--hop and --overlap say the same thing"),
        (("--overlap", "1"), "--overlap 1.0: a fraction of the window"),
        (("--tail", "keep"), "--tail 'keep': use 'pad' or 'crop' or 'drop' or 'shift'"),
        (("--mono", "--channels", "0"), "--mono and --channels exclude each other"),
        (("--rate", "16q"), "write a sample rate such as 16000, 16k or 44.1k"),
        (("--errors", "ignore"), "--errors 'ignore': use 'raise' or 'skip'"),
        (("--window", "0s"), "is too short"),
    ],
)
def test_wrong_usage_is_told_in_the_commands_words(run, clips, arguments, told):
    result = run("windows", clips / "mono.wav", *arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert not result.stdout


def test_an_unknown_signal_is_wrong_usage(run):
    result = run("windows", "signal:foo")
    assert result.exit_code == 2
    assert "no signal 'foo'" in result.stderr
