"""The `dpgate` command: groups, lazy loading, and the one place that exits."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from pathlib import Path

import click

from dpgate import __version__
from dpgate.cli.interrupts import heard
from dpgate.cli.outputs import Outputs
from dpgate.errors import DpgateError, UndecidedError, UsageError
from dpgate.ledger.environment import LEADING_ELSEWHERE

_COMMANDS = {
    "init": "dpgate.cli.init",
    "keygen": "dpgate.cli.keygen",
    "recommend": "dpgate.cli.recommend",
    "mock": "dpgate.cli.mock",
    "rehearse": "dpgate.cli.rehearse",
    "check": "dpgate.cli.check",
    "plan": "dpgate.cli.plan",
    "author": "dpgate.cli.author",
    "approve": "dpgate.cli.approve",
    "refuse": "dpgate.cli.refuse",
    "waive": "dpgate.cli.waive",
    "policy": "dpgate.cli.policy",
    "release": "dpgate.cli.release",
    "sample": "dpgate.cli.sample",
    "compare": "dpgate.cli.compare",
    "verify": "dpgate.cli.verify",
    "evidence": "dpgate.cli.evidence",
    "ledger": "dpgate.cli.ledger",
    "checkpoint": "dpgate.cli.checkpoint",
    "withdraw": "dpgate.cli.withdraw",
    "worker": "dpgate.cli.worker",
    "ci": "dpgate.cli.ci.group",
    "completion": "dpgate.cli.completion",
}

EPILOG = """\b
Exit codes
  0 allowed   1 denied   2 invalid input or usage   3 integrity failure   4 could not decide
Every nonzero one blocks.

\b
A first release
  dpgate init my-releases && cd my-releases     scaffold a release repository
  dpgate check                                  rules, without data or network
  dpgate approve policy … · policy adopt …      put the policy in force, once
  dpgate plan clinic-visits/vendor-testing      budgets before and after
  dpgate approve … · release … · verify …       see each one's --help
"""


class LazyGroup(click.Group):
    """Loads a command's module when it is asked for, so that `check` starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names, in the order of work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(module).command
        if not isinstance(command, click.Command):  # pragma: no cover - each module defines one
            raise TypeError(f"{module} defines no command")
        return command


@click.command(
    cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="dpgate")
def cli() -> None:
    """Declarative policy and release gate for differentially private data.

    Manifests and policy are YAML in Git; each release is planned, approved, charged in a signed
    ledger before the data is opened, and can be verified from a clone and one digest.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    chosen = list(sys.argv[1:] if arguments is None else arguments)
    _settle_in()
    outputs = Outputs()
    try:
        with heard():
            code = cli.main(args=chosen, prog_name="dpgate", standalone_mode=False, obj=outputs)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.Abort as error:
        code = _interrupted(outputs, error.__cause__)
    except click.ClickException as error:
        error.show()
        outputs.files_only(UsageError(error.format_message()))
        code = 2
    except DpgateError as error:
        outputs.error(error)
        _tell_notes(error)
        code = error.exit_code
    except KeyboardInterrupt as error:
        code = _interrupted(outputs, error)
    except BrokenPipeError:
        code = 141
    except Exception as error:  # noqa: BLE001 - a traceback could quote what must stay private
        outputs.error(unexpected := _unexpected(error))
        code = unexpected.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _settle_in() -> None:
    for name in LEADING_ELSEWHERE:  # set where a Git hook runs dpgate; --repo decides, and only it
        os.environ.pop(name, None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without ✓ is no failure


def _unexpected(error: Exception) -> UndecidedError:
    """What the system refused; or a fault of dpgate's own: where it is, but not what it says."""
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return UndecidedError(f"{error.strerror}{place}")
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return UndecidedError(
        f"dpgate failed inside ({type(error).__name__}{place})",
        fix="please report it; its message is withheld, since it could quote private values",
    )


def _tell_notes(error: BaseException | None) -> None:
    """What was added to an error on its way: what can be done with what is left."""
    for note in getattr(error, "__notes__", ()):
        click.echo(note, err=True)


def _interrupted(outputs: Outputs, error: BaseException | None) -> int:
    click.echo("interrupted", err=True)
    _tell_notes(error)
    outputs.files_only(UndecidedError("interrupted"))
    return 130


if __name__ == "__main__":  # pragma: no cover
    main()
