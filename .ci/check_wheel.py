"""Build the package, check it, and run the README's library example where nothing but the wheel is installed.

Run as `python .ci/check_wheel.py` where the extra `dev` is installed. The example is every Python block of
README.md that stands under the comment `<!-- library example -->`; the blocks run one after the other as one
program.
"""

import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = re.compile(r"^<!-- library example -->\s*^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXTRAS = ("pygraphviz", "matplotlib", "sklearn", "PIL", "pooch", "rich", "sympy", "llvmlite", "dask")


def readme_example(readme: Path) -> str:
    """Return the README's library example as one program.

    Raises
    ------
    SystemExit
        If the README has no block under the comment: then nothing would be tried.
    """
    blocks = EXAMPLE.findall(readme.read_text(encoding="utf-8"))
    if not blocks:
        sys.exit(f"{readme}: no ```python block follows a line <!-- library example -->: nothing to try")
    return "\n".join(blocks)


def run(*command: str | Path, cwd: Path) -> None:
    """Show a command, run it in `cwd`, and stop at the first that fails."""
    print("+", *command, flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([str(word) for word in command], cwd=cwd, check=True, env=environment)


def main() -> None:
    """Build, check the metadata, install into a bare environment, run the example."""
    example = readme_example(ROOT / "README.md")
    with tempfile.TemporaryDirectory() as name:
        elsewhere = Path(name)
        dist = elsewhere / "dist"
        run(
            sys.executable, "-m", "build", "--outdir", dist, ROOT, cwd=elsewhere
        )  # the wheel is built from the sdist
        run(sys.executable, "-m", "twine", "check", "--strict", *sorted(dist.iterdir()), cwd=elsewhere)

        (wheel,) = dist.glob("*.whl")
        top = {entry.split("/")[0] for entry in zipfile.ZipFile(wheel).namelist()}
        if {part for part in top if not part.endswith(".dist-info")} != {"tinygrad_course"}:
            sys.exit(f"{wheel.name} installs {sorted(top)}; it should install tinygrad_course alone")

        venv.create(elsewhere / "bare", with_pip=True)
        scripts = elsewhere / "bare" / ("Scripts" if sys.platform == "win32" else "bin")
        run(scripts / "python", "-m", "pip", "install", "--quiet", wheel, cwd=elsewhere)
        bare = f"from importlib.util import find_spec\nassert not [m for m in {EXTRAS} if find_spec(m)]"
        run(scripts / "python", "-c", bare, cwd=elsewhere)
        (elsewhere / "example.py").write_text(example, encoding="utf-8")
        run(scripts / "python", "-W", "error", "example.py", cwd=elsewhere)
        run(scripts / "tinygrad-course", "--help", cwd=elsewhere)
    print("The wheel is sound and the README's example runs with the base dependencies alone.")


if __name__ == "__main__":
    main()
