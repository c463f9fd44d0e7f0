"""The commands that compute: the numbers of HTTP, without a server."""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import accumulate, islice
from pathlib import Path

import click
import numpy as np
import pytest
from scipy.signal import lfilter

from service.cli import cli, main
from service.cli.computations import COMPUTATIONS
from service.cli.serving import keys, migrate, serve, worker
from tests.api.conftest import Api, Json, strictly
from tests.programs import run_program

SALES = Path(__file__).parents[2] / "service/explorer/fit_examples/advertising.csv"
# What differs between two computations of one request.
VARYING = {"created_at", "started_at", "finished_at", "compute_seconds"}
FIT_SALES = "fit sales.csv --target sales --inputs tv,search --time week"
PLANS = "forecast sales.csv --target sales --time week --plan plan.csv"

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in a directory with a table of sales, and return what it prints."""
    (tmp_path / "sales.csv").write_bytes(SALES.read_bytes())
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG")
    (tmp_path / "plan.csv").write_text("search;remark;tv\n1,5;a;10\n2;b;0\n")
    (tmp_path / "words.csv").write_text("a,y\n1,2\nx,2\n")
    (tmp_path / "few.csv").write_text("a,y\n1,2\n")
    (tmp_path / "one.csv").write_text("tv,search\n1,2\n")
    (tmp_path / "late.csv").write_text("week,tv,search\n2026-01-05,10,1\n2026-01-12,0,2\n")
    monkeypatch.chdir(tmp_path)

    def run(line: str, exit_code: int = 0) -> str:
        exited = main(shlex.split(line))
        output = capsys.readouterr()
        assert exited == exit_code, output.err
        return output.err if exit_code else output.out

    return run


def stable(answer: Json) -> Json:
    return {name: value for name, value in answer.items() if name not in VARYING}


PREDICTION = {
    "inputs": [[0, 1, 1], [2.5]],
    "weights": {"w_in": 1, "w_rec": 0.5},
    "network": {"activation": "tanh"},
    "return_states": True,
}
NARROW = {"w_in": {"low": 0, "high": 2}, "w_rec": {"low": 0, "high": 2}}
TRAINING = {
    "optimizer": {"name": "momentum", "nesterov": True, "learning_rate": 1e-3},
    "clip": {"by": "value", "threshold": 2},
    "initial_weights": {"w_in": -1, "w_rec": 1.5},
    "n_iterations": 20,
    "target_cost": 3,
}
TRAIN = (
    "train --optimizer momentum --nesterov --learning-rate 1e-3 --clip value:2 "
    "--initial-weights=-1,1.5 --n-iterations 2e1 --target-cost 3"
)
TRACE = "trace --point 1,2 --point 1:-0.5 --kind remember --aggregation tutorial"
TRACED = "gradient-trace?point=1,2&point=1,-0.5&kind=remember&aggregation=tutorial"


@pytest.mark.parametrize(
    ("line", "path", "body"),
    [
        ("predict", "predict", {}),
        (
            "predict 0,1,1 2.5 --weights 1:0.5 --activation tanh --return-states",
            "predict",
            PREDICTION,
        ),
        ("optimum --noise 0.5 --seed 3", "optimum", {"dataset": {"noise": 0.5, "seed": 3}}),
        ("optimizers", "optimizers", None),
        ("trace", "gradient-trace", None),
        ("evaluate --point 1:2", "evaluate", {"points": [{"w_in": 1, "w_rec": 2}]}),
        (TRACE, TRACED, None),
        (
            "surface --resolution 5",
            "cost-surface",
            {"windows": [{"resolution": 5}, {**NARROW, "resolution": 5}]},
        ),
        ("surface --w-rec 0:1 --n-steps 7", "cost-surface?w_rec=0,1&n_steps=7", None),
        (TRAIN, "training-runs", {**TRAINING, "keep": False}),
    ],
)
def test_json_is_that_of_http(run: Run, api: Api, line: str, path: str, body: Json | None) -> None:
    printed = strictly(run(f"{line} --json"))
    answer = api.get(f"/v1/{path}") if body is None else api.post(f"/v1/{path}", body)
    assert stable(printed) == stable(answer.json())


def test_a_fit_of_a_file_is_that_of_its_upload(run: Run, api: Api) -> None:
    columns = "kind=series&target=sales&inputs=tv,search&time=week"
    uploaded = api.upload(SALES.read_bytes(), query=f"?{columns}").json()
    body = {
        "dataset": {"kind": "stored", "id": uploaded["id"]},
        "delay": {"low": 0, "high": 1},
        "w_rec": {"low": 0.1, "high": 0.9},
        "initial_state": "shared",
        "offset": True,
        "keep": False,
    }
    options = "--delay 0:1 --w-rec 0.1:0.9 --initial-state shared --offset true"
    printed = strictly(run(f"{FIT_SALES} {options} --json"))
    assert stable(printed) == stable(api.post("/v1/fits", json=body).json())


def test_roles_are_proposed_and_repairs_are_options(run: Run, tmp_path: Path) -> None:
    assert run("fit sales.csv") == run("fit sales.csv --target sales --inputs tv,search")
    assert "of tv" in run("fit sales.csv --target tv --inputs=")
    path = tmp_path / "gaps.csv"
    days = [f"2024-01-{k:02};{k * k % 7};{k % 5}" for k in range(1, 29) if k not in {9, 17}]
    path.write_text("\n".join(["day;x;y", *days]))
    message = run("fit gaps.csv", exit_code=2)
    assert message.startswith("linear-rnn: --time: line 10: the step in 'day' is 2 times the usual")
    options = re.findall(r"--gaps \w+|--grid '1 day' --between hold", message)
    assert len({*options}) == len(options) == 3
    for each in options:
        assert "The table was repaired: " in run(f"fit gaps.csv {each}")


def test_a_file_of_data_replaces_generated_data(run: Run, tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_text("x_1,x_2,target\n1,0,1\n0,1,1\n1,1,2\n")
    assert "1      1     0" in run("optimum --data counts.csv")


WRITTEN = "--time-constants rain,evaporation --time-constants river, or as JSON"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--time-constants tv --time-constants search", [["tv"], ["search"]]),
        ("--time-constants tv,search", [["tv", "search"]]),
        ('--time-constants \'[["tv"], ["search"]]\'', [["tv"], ["search"]]),
        ("--time-constants per_input", "per_input"),
        ("--time-constants 2", 2),
    ],
)
def test_time_constants_are_a_number_or_lists_of_inputs(
    run: Run, options: str, expected: object
) -> None:
    fit = json.loads(run(f"{FIT_SALES} {options} --no-verdict --json"))
    assert fit["request"]["time_constants"] == expected
    inputs = [each["inputs"] for each in fit["states"]]
    if isinstance(expected, list):
        assert sorted(inputs) == sorted(expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--time-constants 3", "should be 1, 2, 'per_input' or lists of inputs"),
        ("--time-constants tv", "no time constant for: search"),
        ("--time-constants tv:search", "the inputs with a memory are: search, tv"),
        ("--time-constants [tv]", "'[tv]' is not JSON"),
        ("--time-constants 2 --time-constants tv", "a number and lists exclude each other"),
    ],
)
def test_the_help_and_errors_of_time_constants_show_how_lists_are_written(
    run: Run, options: str, message: str
) -> None:
    error = run(f"{FIT_SALES} {options}", exit_code=2)
    assert message in error
    assert WRITTEN in error
    assert WRITTEN in " ".join(run("fit --help").split())


def test_the_options_of_a_recommended_fit_are_those_of_the_command(
    run: Run, tmp_path: Path
) -> None:
    noise = np.random.RandomState(4).randn(120)
    pulses = 5.0 * np.isin(np.arange(120), [3, 17, 40, 66, 95])
    level = lfilter([2.0], [1.0, -0.5], pulses) + lfilter([1.0], [1.0, -0.95], pulses)
    rows = np.column_stack([pulses, level + 0.05 * noise])
    np.savetxt(tmp_path / "pulses.csv", rows, "%.6f", ",", header="pulse,level", comments="")
    command = "fit pulses.csv --target level --initial-state 0 --no-offset"
    (options,) = re.findall(r"^With (.+): time constant", run(command), re.MULTILINE)
    followed = run(f"{command} {options}")
    assert followed.startswith("Time constants ")
    assert [
        float(value) for value in re.findall(r"^w_rec \d +(\S+)", followed, re.MULTILINE)
    ] == pytest.approx([0.95, 0.5], rel=0.05)


def test_the_summary_precedes_the_numbers_and_is_no_error(run: Run) -> None:
    trusted = run(FIT_SALES)
    assert trusted.startswith("Time constant 1.94 weeks\n\n1.69 to 2.22 weeks with 95 %")
    assert "\nAll checks passed.\n\n" in trusted
    assert re.search(r"w_rec +0\.597162 +0\.55366 +0\.637346", trusted)
    assert re.search(r"w_rec, cautious \(ar1\) +- +0\.\d+ +0\.\d+$", trusted, re.MULTILINE)
    assert "cautious" not in run(f"{FIT_SALES} --noise ar1")
    lines = run(f"{FIT_SALES} --no-offset").splitlines()
    assert lines[0].endswith("weeks (not reliable)")
    assert (
        "Do not rely on these estimates. The offset appears to be missing or wrong. Fit an offset, "
        "unless it is known, for example to be 0. With this, the time constant is 1.94 weeks."
    ) in lines
    (better,) = (line for line in lines if line.startswith("With --"))
    assert better == "With --offset true: time constant 1.93961, R² 0.910812."


def test_a_forecast_continues_the_series_with_dates(run: Run, tmp_path: Path, api: Api) -> None:
    columns = "kind=series&target=sales&inputs=tv,search&time=week"
    uploaded = api.upload(SALES.read_bytes(), query=f"?{columns}").json()
    fit = api.post("/v1/fits", {"dataset": {"kind": "stored", "id": uploaded["id"]}}).json()
    body = {"model": {"id": fit["id"]}, "inputs": [[[10, 1.5], [0, 2]]], "continue": {}}
    expected = api.post("/v1/predict", body).json()
    line = FIT_SALES.replace("fit", "forecast") + " --future plan.csv"
    assert strictly(run(f"{line} --json")) == expected
    assert expected["times"] == [["2025-12-29", "2026-01-05"]]
    rows = run(f"{line} --out -").splitlines()
    assert rows[0] == "time,mean,low,high,new_low,new_high"
    assert rows[1].startswith(f"2025-12-29,{expected['outputs'][0][0]},")
    assert "2026-01-05" in run(line)


def test_a_forecast_compares_plans_and_reaches_a_goal(run: Run, tmp_path: Path, api: Api) -> None:
    columns = "kind=series&target=sales&inputs=tv,search&time=week"
    uploaded = api.upload(SALES.read_bytes(), query=f"?{columns}").json()
    fit = api.post("/v1/fits", {"dataset": {"kind": "stored", "id": uploaded["id"]}}).json()
    (tmp_path / "double tv.csv").write_text("tv,search\n15,1.5\n0,2\n")
    plans = [
        {"name": "plan", "inputs": [[10, 1.5], [0, 2]]},
        {"name": "double tv", "inputs": [[15, 1.5], [0, 2]]},
    ]
    goal = {"output": 150, "input": "tv", "at": 2, "kind": "once"}
    body = {"model": {"id": fit["id"]}, "continue": {}, "plans": plans, "goal": goal}
    expected = api.post("/v1/predict", body).json()
    line = FIT_SALES.replace("fit", "forecast") + " --plan plan.csv --plan 'double tv.csv'"
    goal_options = "--goal 150 --goal-input tv --goal-at 2 --goal-kind once"
    assert strictly(run(f"{line} {goal_options} --json")) == expected
    sentences = run(f"{line} {goal_options}").splitlines()
    assert sentences == expected["summary"]["sentences"]
    assert sentences[0] == "The fit passed all checks."
    assert sentences[1].startswith("With plan plan, sales ends at ")
    assert sentences[3].startswith("Plan double tv instead of plan changes sales by ")
    assert sentences[4].startswith("A single tv of ")
    rows = run(f"{line} --out -").splitlines()
    assert [row.split(",")[:3] for row in rows] == [
        ["plan", "step", "time"],
        *(
            [name, str(k), expected["times"][0][k - 1]]
            for name in ("plan", "double tv")
            for k in (1, 2)
        ),
    ]


def test_the_options_that_help_do(run: Run) -> None:
    """Every alternative can be pasted, and gives the time constant that it promises."""
    steps = SALES.with_name("step_tests.csv")
    line = f"fit {steps} --target temperature --inputs valve --sequence test --time minute"
    offered = re.findall(r"^With (--.+): time constant (\S+), R²", run(line), re.MULTILINE)
    assert offered
    for options, time_constant in offered:
        printed = run(f"{line} {options}")
        assert re.search(rf"^time_constant +{re.escape(time_constant)} ", printed, re.MULTILINE)


def example(command: click.Command, *path: str) -> str:
    """Return the command line at the end of the help of a command."""
    context = click.Context(command, click.Context(cli))
    line = command.get_help(context).splitlines()[-1].strip()
    if line.split()[: len(path) + 2] != ["linear-rnn", *path, command.name]:
        raise ValueError(line)
    return line


def test_every_command_of_an_operator_has_an_example_that_can_be_parsed() -> None:
    (new,) = keys.commands.values()
    for command, path in ((serve, ()), (worker, ()), (migrate, ()), (new, ("keys",))):
        arguments = shlex.split(example(command, *path))[len(path) + 2 :]
        assert command.make_context(command.name, arguments).params is not None


@pytest.mark.parametrize("line", [*map(example, COMPUTATIONS)])
def test_the_examples_work(run: Run, tmp_path: Path, line: str) -> None:
    assert run(line.removeprefix("linear-rnn "))
    out = re.search(r"--out (\S+\.\w+)", line)
    assert out is None or (tmp_path / out[1]).stat().st_size > 1000


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("train --out run.csv", b"iteration,w_in,w_rec,cost,log10_cost\r\n0,-1.5,2"),
        ("trace --out trace.csv", b"w_in,w_rec,k,gradient"),
        ("surface --out surface.npz", b"PK"),
        ("surface --resolution 5 --out surface.pdf --theme dark --width 500", b"%PDF"),
        (f"{FIT_SALES} --out fit.csv", b"sequence,step,"),
        (f"{FIT_SALES} --out fit.html", b"<!doctype html>"),
    ],
)
def test_files(run: Run, tmp_path: Path, line: str, start: bytes) -> None:
    run(line)
    file = line.partition("--out ")[2].split()[0]
    assert (tmp_path / file).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train --n-samples x", "'--n-samples': 'x' is not a valid integer."),
        ("train --n-samples 1.5", "'--n-samples': 1.5 is not an integer."),
        ("train --noise nan", "'--noise': nan is not finite."),
        ("train --optimizer adam --beta-1 2", "'--beta-1': 2 is not in the range 0.0<=x<1.0."),
        ("train --seed -1", "'--seed': -1 is not in the range 0<=x<=4294967295."),
        (
            "train --optimizer adam --eta-plus 2",
            "--eta-plus: does not apply to adam; the options that do are --learning-rate, "
            "--epsilon, --beta-1, --beta-2",
        ),
        ("train --optimizer adamw", "'--optimizer': 'adamw' is not one of"),
        ("train --kind remember --noise 1", "--noise: does not apply to remember\n"),
        ("train --clip norm:1", "--clip: does not apply to rprop; the options that do are --eta-"),
        ("optimum --activation tanh", "'--activation': 'tanh' is not 'identity'."),
        ("train --n-iteration 5", "No such option '--n-iteration'"),
        ("trace --point 1:2 --point 3", "'--point': '3' is not W_IN:W_REC."),
        ("surface --w-in 2:0", "'--w-in': low must be below high."),
        ("surface --w-in 1:1", "'--w-in': low must be below high."),
        ("surface --w-in a:b", "'--w-in': 'a:b' is not LOW:HIGH."),
        ("surface --out a.gif", "--out: a.gif must end in png or svg or pdf or npz"),
        ("predict 1e400", "SEQUENCES: number 1 of sequence 1 is not a number: '1e400'"),
        (
            "forecast sales.csv --target sales --time week --future few.csv",
            "--future: line 1 ('a,y'): there is no column 'tv'",
        ),
        (
            "forecast sales.csv --target sales --time week --future late.csv",
            "--future: the dates begin at 2026-01-05, but the series continues at 2025-12-29",
        ),
        ("forecast sales.csv --target sales --future picture.csv", "--future: this is a picture"),
        (f"{PLANS} --plan few.csv", "--plan few.csv: line 1 ('a,y'): there is no column 'tv'"),
        (f"{PLANS} --plan plan.csv", "--plan: plans have different names"),
        (
            f"{PLANS} --plan late.csv",
            "--plan late.csv: the dates begin at 2026-01-05, but the series continues at",
        ),
        (f"{PLANS} --plan one.csv", "--plan: plans have the same number of steps, but there are 2"),
        (f"{PLANS} --future plan.csv", "--plan: replaces --future"),
        (f"{PLANS} --goal-at 2", "--goal: This field is required"),
        (f"{PLANS} --goal 1", "--goal-input: name one of the inputs: tv, search"),
        (f"{PLANS} --goal 1 --goal-input tvs", "--goal-input: name one of the inputs: tv, search"),
        (f"{PLANS} --goal 1 --goal-input tv --goal-at 3", "--goal-at: the plan has 2 steps"),
        (
            "forecast sales.csv --target sales --time week --future plan.csv --goal 1",
            "--goal: a goal needs a plan with the other inputs",
        ),
        (
            "forecast sales.csv --target sales --time week --future plan.csv --out plan.png",
            "--out: plan.png must end in csv",
        ),
        ("forecast sales.csv --inputs= --plan plan.csv", "--plan: does not apply, as the series"),
        ("forecast sales.csv --inputs= --steps 1e300", "'--steps': 1e+300 is not in the range"),
        (f"{FIT_SALES} --grid month", "--grid: String should match"),
        ("predict nan", "SEQUENCES: number 1 of sequence 1 is not a number: 'nan'"),
        ("predict 1 0,a", "SEQUENCES: number 2 of sequence 2 is not a number: 'a'"),
        (f"{FIT_SALES} --confidence 95", "95 is not in the range 0<x<1. 95 % is 0.95."),
        ("fit words.csv --target y", "words.csv: line 3 ('x,2'), column 1 ('a'): 'x' is not"),
        ("fit words.csv --target y", "choose the inputs (--inputs …)"),
        ("fit few.csv --target y", "few.csv: 1 target for 4 unknowns"),
        ("fit few.csv --target y", "or fix --initial-state or offset"),
        (f"{FIT_SALES} --delay 3:1", "'--delay': low must not be above high."),
        (f"{FIT_SALES} --gain tv", "'--gain': 'tv' is not NAME=NUMBER."),
        (f"{FIT_SALES} --gain tv=x", "'--gain': 'tv=x' is not NAME=NUMBER."),
        ("train --data few.csv --seed 2", "--seed: a file of data replaces generated data"),
        ("predict 0110 --seed 2", "--seed: SEQUENCES replace other data"),
        ("predict 0110 --data few.csv", "--data: SEQUENCES replace other data"),
        (f"{FIT_SALES} --sequence tv --by week", "--by: replaces --sequence"),
        (
            "forecast sales.csv --target sales --inputs= --future plan.csv",
            "--future: does not apply, as the series has no inputs",
        ),
        (
            "forecast sales.csv --target sales --time week --steps 2",
            "--steps: does not apply, as the series has the inputs tv, search",
        ),
        ("fit sales.csv --target revenue", "--target: line 1"),
        ("forecast sales.csv --target sales --time week", "--future: give a table with the inputs"),
        ("fit nothing.csv", "'nothing.csv': No such file"),
        ("fit picture.csv", "picture.csv: this is a picture (PNG); save the table"),
        ("nothing", "No such command 'nothing'."),
    ],
)
def test_errors_are_one_line_that_names_the_option(run: Run, line: str, message: str) -> None:
    printed = run(line, exit_code=2)
    assert printed.startswith("linear-rnn: ")
    assert message in printed
    assert printed.count("\n") == 1


def test_sequences_are_written_as_in_the_documents(run: Run) -> None:
    expected = run("predict 0,1,1,0 -- -1,2")
    assert run("predict 0110 -1,2") == run("predict '0 1 1 0' '-1 2'") == expected
    assert "2\n       1       1\n" in expected


def test_a_file_can_be_the_standard_output(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    summary = run(f"{FIT_SALES} --out fit.csv")
    assert main(shlex.split(f"{FIT_SALES} --out -")) == 0
    table = (tmp_path / "fit.csv").read_bytes().decode()
    assert capsys.readouterr() == (table, summary)
    assert run("trace --out -.svg").startswith("<?xml")


def test_the_commands_read_the_limits(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNN_MAX_STEPS", "100")
    assert "the limit is 100" in run(FIT_SALES, exit_code=2)
    monkeypatch.setenv("RNN_MAX_STEP", "100")
    assert "did you mean RNN_MAX_STEPS?" in run(FIT_SALES, exit_code=2)


@pytest.mark.slow
def test_a_year_of_half_hours_is_within_the_limits(run: Run, tmp_path: Path) -> None:
    states = accumulate(range(17_520), lambda state, k: 0.9 * state + k % 7, initial=0.0)
    rows = (f"{k % 7},{state}" for k, state in enumerate(islice(states, 1, None)))
    (tmp_path / "year.csv").write_text("\n".join(["heat,level", *rows]))
    assert "w_rec 0.9;" in run("fit year.csv --target level --inputs heat --no-offset")


LIGHT = "import sys\nfrom service.cli import main\nmain(sys.argv[1:])\n"


@pytest.mark.parametrize(
    ("line", "heavy"),
    [
        ("--version", {"pydantic", "numpy"}),
        ("fit -h", {"pydantic", "numpy"}),
        ("train --noise x", {"pydantic", "numpy"}),
        ("train --optimizer adam --beta-1 2", {"pydantic", "numpy"}),
        ("trace --point 3", {"pydantic", "numpy"}),
        ("fit sales.csv --confidence 95", {"pydantic", "numpy"}),
        ("predict 0,x", {"pydantic", "numpy"}),
        ("surface --w-in 2:0", {"pydantic", "numpy"}),
        ("surface --w-in a:b", {"pydantic", "numpy"}),
        ("optimum --activation tanh", {"pydantic", "numpy"}),
        ("train --clip norm:1", {"pydantic", "numpy"}),
        (f"{FIT_SALES} --delay 3:1", {"pydantic", "numpy"}),
        (f"{FIT_SALES} --gain tv", {"pydantic", "numpy"}),
        (f"{FIT_SALES} --by week --sequence tv", {"pydantic", "numpy"}),
        ("train --optimizer adam --eta-plus 2", {"pydantic", "numpy"}),
        ("train --data few.csv --seed 2", {"pydantic", "numpy"}),
        ("surface --out a.gif", {"pydantic", "numpy"}),
        ("fit sales.csv --targets sales", {"pydantic", "numpy"}),
        (
            FIT_SALES,
            {"fastapi", "matplotlib", "alembic", "dbos", "uvicorn", "scipy.signal"}
            | {"sqlalchemy", "psycopg", "pydantic_settings", "service.schemas.costs"}
            | {"service.operations.questions", "service.operations.computations.training"},
        ),
    ],
)
def test_what_a_command_does_not_need_is_not_imported(
    run: Run, tmp_path: Path, line: str, heavy: set[str]
) -> None:
    code = f"{LIGHT}print(*sys.modules, file=sys.stderr)"
    done = run_program(sys.executable, "-c", code, *shlex.split(line), cwd=tmp_path)
    assert not heavy & set(done.stderr.split())


def test_a_table_is_read_from_the_standard_input(run: Run, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service", *shlex.split(FIT_SALES)]
    command.remove("sales.csv")
    done = run_program(*command, cwd=tmp_path, input=SALES.read_text())
    assert done.stdout == run(FIT_SALES)


def test_a_closed_standard_input_is_an_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service", "fit", "--target", "sales"]
    close = ["sh", "-c", 'exec "$0" "$@" <&-']
    done = run_program(*close, *command, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "linear-rnn: /dev/null: no data\n"


@pytest.mark.parametrize("stream", [1, 2])
def test_an_output_may_be_closed(tmp_path: Path, stream: int) -> None:
    command = shlex.join([sys.executable, "-m", "service", "train", "--n-iterations", "5"])
    done = run_program("sh", "-c", f"{command} {stream}>&-", cwd=tmp_path)
    assert done.stdout.startswith("The run ended after 5 iterations.") == (stream != 1)


@pytest.fixture
def read_from(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str | int], None]]:
    """Redirect the standard input of the commands to a file."""
    with ExitStack() as files:

        def read(file: str | int) -> None:
            monkeypatch.setattr(sys, "stdin", files.enter_context(open(file)))

        yield read


def test_without_data_on_a_terminal_it_does_not_wait(
    run: Run, read_from: Callable[[str | int], None]
) -> None:
    parent, child = pty.openpty()
    read_from(child)
    printed = run("fit --target sales", exit_code=2)
    os.close(parent)
    assert printed == (
        "linear-rnn: DATA is missing: give a file, or pipe a table into this command\n"
    )


@pytest.mark.parametrize("data", ["", "-"])
def test_an_empty_standard_input_is_an_error(
    run: Run, read_from: Callable[[str | int], None], data: str
) -> None:
    read_from(os.devnull)
    assert run(f"fit {data} --target sales", exit_code=2).endswith(": no data\n")


def make_link(path: Path) -> None:
    path.symlink_to("sales.csv")


def make_hard_link(path: Path) -> None:
    path.hardlink_to("sales.csv")


@pytest.mark.parametrize("line", [FIT_SALES, FIT_SALES.replace("sales.csv", "-", 1)])
@pytest.mark.parametrize("make", [None, make_link, make_hard_link])
def test_the_file_of_data_is_not_overwritten(
    run: Run,
    tmp_path: Path,
    read_from: Callable[[str | int], None],
    line: str,
    make: Callable[[Path], None] | None,
) -> None:
    read_from("sales.csv")
    out = tmp_path / "sales.csv"
    if make is not None:
        out = tmp_path / "another.csv"
        make(out)
    printed = run(f"{line} --out {out}", exit_code=2)
    assert printed.startswith(f"linear-rnn: --out: {out} is the data file")
    assert out.read_bytes() == SALES.read_bytes()


def test_the_file_of_future_inputs_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    plan = (tmp_path / "plan.csv").read_bytes()
    for name in ("future", "plan"):
        printed = run(f"forecast sales.csv --{name} plan.csv --out plan.csv", exit_code=2)
        assert printed.startswith(f"linear-rnn: --out: plan.csv is the {name} file")
    assert (tmp_path / "plan.csv").read_bytes() == plan


def test_a_missing_directory_is_an_error_before_the_work(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "--out", "missing/trace.png"]) == 1
    message = "linear-rnn: missing/trace.png: No such file or directory\n"
    assert capsys.readouterr() == ("", message)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_an_error_of_the_standard_output_names_it() -> None:
    command = shlex.join([sys.executable, "-m", "service", "train", "--n-iterations", "5"])
    done = run_program("sh", "-c", f"{command} > /dev/full", check=False)
    assert done.stderr.startswith("linear-rnn: standard output: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_the_numbers_are_printed_if_the_file_cannot_be_written(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full.csv").symlink_to("/dev/full")
    assert main(shlex.split("train --n-iterations 5 --out full.csv")) == 1
    output = capsys.readouterr()
    assert output.out.startswith("The run ended after 5 iterations.")
    assert output.err == "linear-rnn: full.csv: No space left on device\n"


def test_the_tutorial_tells_its_numbers_and_draws(run: Run, tmp_path: Path) -> None:
    text = " ".join(run("tutorial --out pictures").split())
    for words in (
        "20 random sequences of 10 bits",
        "exploding 1 2 2 884.3 905523",
        "final 1.00136 0.999674 1.80085e-06",
        "sequence output 0 4.99896",
    ):
        assert words in text
    for name in ("cost-surface", "gradients", "training"):
        picture = (tmp_path / f"pictures/{name}.png").read_bytes()
        assert picture.startswith(b"\x89PNG")


def test_training_shows_its_progress_on_a_terminal(tmp_path: Path) -> None:
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "service", "train", "--n-iterations", "200000"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=child,
    ) as process:
        os.close(child)
        shown = b""
        while True:
            try:
                shown += os.read(parent, 65536)
            except OSError:  # EIO: the process has closed the terminal
                break
        assert process.wait(timeout=120) == 0
    os.close(parent)
    percent = [int(number) for number in re.findall(rb"(\d+)%", shown)]
    assert len(set(percent)) > 2
    assert percent == sorted(percent)
    assert percent[-1] == 100


def test_the_shell_completes(tmp_path: Path) -> None:
    variables = {
        "_LINEAR_RNN_COMPLETE": "bash_complete",
        "COMP_WORDS": "linear-rnn train --optimizer r",
        "COMP_CWORD": "3",
    }
    command = [Path(sys.executable).with_name("linear-rnn")]
    done = run_program(*command, cwd=tmp_path, env=os.environ | variables)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == {"rprop", "rmsprop"}
