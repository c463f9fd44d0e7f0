"""Run a hundred command lines, and print what each prints: ``python -m scripts.invocations``.

They cover pipes, files, bad input, no terminal, Ctrl+C and full disks. It fails if one of them
prints a traceback, has an undocumented exit code, or reports an error in more than one line.
Read the transcript after a change of the command line.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).parents[1]
EXAMPLES: Final = ROOT / "service/explorer/fit_examples"
EXIT_CODES: Final = {0, 1, 2, 130}
SECONDS: Final = 120
MAX_LINES: Final = 12  # of an output in the transcript

FILES: Final = {
    "empty.csv": "",
    "header.csv": "x,y\n",
    "few.csv": "x,y\n1,2\n",
    "words.csv": "x,y\n1,2\nmany,3\n",
    "uneven.csv": "x,y\n1,2\n1,2,3\n",
    "semicolons.csv": "x;y\n1,5;2,5\n0,5;3,5\n2,5;4,5\n",
    "ambiguous.csv": "x;y\n1.234;2.300\n2.345;1.200\n",
    "gap.csv": "day,x,y\n2024-01-01,1,2\n2024-01-02,0,3\n2024-01-09,1,4\n",
    "plan.csv": "tv,search\n10,1\n0,2\n",
    "counts.csv": "x_1,x_2,target\n1,0,1\n0,1,1\n1,1,2\n",
    "groups.csv": "shop,x,y\n" + "".join(f"a,{k % 3},{k % 7}\n" for k in range(20)) + "b,1,2\n",
    "binary.csv": "\x00\x01\x02",
}
FIT: Final = "L fit sales.csv --target sales --inputs tv,search --time week"
FORECAST: Final = FIT.replace("fit", "forecast")

# One command line per line; "L" is the program.
LINES: Final = f"""
L
L -h
L --help
L --version
L --nothing
L nothing
L fit -h
L train --help
L forecast -h
L keys
L keys new a:b
L keys new alice --scope admin
L train --n-iterations 3
L train --optimizer adam --clip norm:1 --n-iterations 20
L train --optimizer adamw
L train --optimizer adam --eta-plus 2
L train --optimizer adam --beta-1 2
L train --clip norm:1
L train --n-samples x
L train --noise nan
L train --n-iterations -1
L train --initial-weights -1:2 --n-iterations 3
L train --initial-weights 1
L train --n-iterations 3 --json | head -c 60
L train --n-iterations 3 --out run.csv && head -2 run.csv
L train --n-iterations 3 --out -
L train --n-iterations 3 --out run.gif
L train --n-iterations 3 --out missing/run.csv
L train --n-iterations 3 --out /proc/run.csv
L train --n-iterations 3 --out full.csv
L train --n-iterations 3 > /dev/full
L train --n-iterations 3 --out - > /dev/full
L train --n-iterations 3 >&-
L train --n-iterations 3 2>&- | head -1
L train --n-iterations 3 | true; echo done
L train --n-iterations 3 <&-
L train --data counts.csv --n-iterations 3
L train --data counts.csv --seed 3
L predict
L predict 0110
L predict '0 1 1 0'
L predict 0,1,1,0 1,1,1 --weights 1:0.9
L predict -1,2
L predict -- -1,2
L predict 0,1,x
L predict ''
L predict 1e400
L predict nan
L predict --weights 1
L predict --return-states --json | head -c 60
L surface --resolution 3
L surface --w-in 2:0
L surface --w-in 1:1
L surface --w-in a:b
L surface --w-in=-1:1 --resolution 5 --out surface.png
L surface --resolution 100000
L surface --out - --resolution 4 | wc -c
L trace --point 1:2
L trace --point 1:2 --point 3
L trace --out -.svg | head -c 5
L trace --n-steps 100000
L optimum
L optimum --activation tanh
L optimum --data few.csv
L optimum --data empty.csv
L evaluate --point 1:1
L optimizers
L optimizers | head -1
{FIT}
{FIT} --out fit.csv && head -2 fit.csv
{FIT} --out - | head -2
{FIT} --out - | true; echo done
{FIT} --confidence 95
{FIT} --confidence 0.8
{FIT} --delay 0:3
{FIT} --delay 3:1
{FIT} --gain tv
{FIT} --gain tv=x
{FIT} --gain radio=1
{FIT} --by week --sequence week
{FIT} --json | head -c 60
{FIT} --no-offset
L fit groups.csv --by shop --target y
L fit groups.csv --by shop --target y --out - | head -2
L fit groups.csv --by region --target y
L fit groups.csv --by shop --target y --out groups.png
{FIT} --out sales.csv
cat sales.csv | {FIT.replace("sales.csv", "-", 1)} | head -1
{FIT.replace("sales.csv", "", 1)} < sales.csv | head -1
{FIT.replace("sales.csv", "", 1)} < /dev/null
L fit nothing.csv --target y
L fit . --target y
L fit groups.csv --by shop --target y > /dev/full
L fit sales.csv --target revenue
L fit sales.csv --target sales --inputs tv,radio --time week
L fit empty.csv --target y
L fit header.csv --target y
L fit few.csv --target y
L fit words.csv --target y
L fit uneven.csv --target y
L fit semicolons.csv --target y
L fit ambiguous.csv --target y
L fit gap.csv --target y --time day
L fit gap.csv --target y --time day --gaps sequences
L fit binary.csv --target y
RNN_MAX_STEPS=10 {FIT}
RNN_MAX_STEP=10 {FIT}
{FORECAST} --future plan.csv
{FORECAST}
{FORECAST} --future few.csv
{FORECAST} --future plan.csv --out - | tail -1
{FORECAST} --future plan.csv > /dev/full
L forecast sales.csv --target sales --inputs= --time week --steps 2
L forecast sales.csv --target sales --inputs= --time week --future plan.csv
{FORECAST} --future plan.csv --steps 2
L forecast groups.csv --target y --sequence shop --future few.csv
RNN_PORT=x L migrate
L migrate --data-dir sales.csv
timeout --preserve-status --signal=INT 20 L serve --port 0
timeout --preserve-status --signal=INT 10 L train --n-iterations 1000000 --activation tanh
timeout --preserve-status --signal=INT 10 {FIT} --delay 0:40 --noise ar1 --time-constants 2
"""


def run(line: str, directory: Path) -> tuple[int, str, str]:
    """Run a command line, and return its exit code, output and errors."""
    program = Path(sys.executable).with_name("linear-rnn")
    command = re.sub(r"(^|\s)L\b", rf"\1{program}", line)
    done = subprocess.run(  # noqa: S603 - our own lines
        ["/bin/bash", "-c", f"set -o pipefail; {command}"],
        cwd=directory,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # without a terminal
        timeout=SECONDS,
        env={name: value for name, value in os.environ.items() if name[:4] != "RNN_"},
    )
    return done.returncode, done.stdout, done.stderr


def find_surprise(code: int, output: str, errors: str) -> str | None:
    """Return what is wrong with a response; None if nothing is."""
    if "Traceback" in output + errors:
        return "a traceback"
    if code not in EXIT_CODES:
        return f"exit code {code}"
    messages = [line for line in errors.splitlines() if line.startswith("linear-rnn: ")]
    if code in {1, 2} and "Usage" not in errors and len(messages) != 1:
        return "no message in one line"
    return None


def shorten(text: str) -> str:
    """Return the first lines of a text."""
    lines = text.splitlines()
    more = [f"… {len(lines) - MAX_LINES} more lines"] if len(lines) > MAX_LINES else []
    return "\n".join([*lines[:MAX_LINES], *more])


def main() -> int:
    """Print the transcript, and return 1 if it has a surprise."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
    surprises = []
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "sales.csv").write_bytes((EXAMPLES / "advertising.csv").read_bytes())
        for file, text in FILES.items():
            (directory / file).write_text(text)
        (directory / "full.csv").symlink_to("/dev/full")
        for number, line in enumerate(LINES.strip().splitlines(), start=1):
            code, output, errors = run(line, directory)
            surprise = find_surprise(code, output, errors)
            if surprise is not None:
                surprises.append(f"{number}: {line}: {surprise}")
            print(f"{number} $ {line}  [{code}]\n{shorten(output)}\n{shorten(errors)}", flush=True)
    print("\n".join(surprises) or "no surprise")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
