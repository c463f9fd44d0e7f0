"""The environment that the results depend on: versions, cores, threads, the BLAS kernel."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    *("numpy", "scipy", "torch", "jax", "jaxlib", "numba"),
    *("fastapi", "pydantic", "uvicorn", "orjson", "matplotlib"),
)
# These variables make OpenBLAS use a kernel other than the machine's own.
OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def describe() -> dict[str, Any]:
    """Return versions, cores, threads and the BLAS kernel, as loaded in this process."""
    return {
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "versions": _versions(),
        "threads": _threads(),
        "load": os.getloadavg()[0],
    }


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _threads() -> list[str]:
    """Return a description of each loaded thread pool, with the kernel of a BLAS."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ["unknown without threadpoolctl"]
    pools = []
    for pool in threadpool_info():
        kernel = f", kernel {pool['architecture']}" if pool.get("architecture") else ""
        what = f"{pool['internal_api']} {pool.get('version') or ''}".strip()
        pools.append(f"{what} ({pool['num_threads']} threads{kernel})")
    return sorted(set(pools))


def restart_without_overrides() -> None:
    """Restart the program if the environment forces a BLAS kernel."""
    if any(name in os.environ for name in OVERRIDES):
        environment = {name: value for name, value in os.environ.items() if name not in OVERRIDES}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)  # noqa: S606
