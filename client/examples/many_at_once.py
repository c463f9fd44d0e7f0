"""Train from many weights at once, and follow the progress of a long run."""

import asyncio

from linear_rnn import AsyncClient


async def main() -> None:
    """Send all requests at the same time."""
    async with AsyncClient() as rnn:
        starts = [(w_in, w_rec) for w_in in (-1, 0, 1) for w_rec in (0.5, 1, 1.5)]
        runs = await asyncio.gather(*(rnn.train(initial_weights=start) for start in starts))
        best = min(runs, key=lambda run: run.final.cost)
        print(f"the best of {len(runs)} has a cost of {best.final.cost:.2g}")
        job = await rnn.train(n_iterations=20_000, record_every=100, wait=False)
        print(f"{job.id} is {job.status}")
        await job.wait(progress=True)
        print(f"{len((await job.trajectory()).cost)} costs are recorded")


asyncio.run(main())
