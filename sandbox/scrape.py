"""Metrics of a worker, as Prometheus scrapes them."""

import socket

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from sandbox.polling import eventually

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def free_port() -> int:
    """Return a free TCP port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


async def page(port: int) -> str:
    """Return the text of the metrics page at a port."""
    url = f"http://127.0.0.1:{port}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return await answer.text()


async def scraped(port: int) -> Samples:
    """Return our samples, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(await page(port))
        for sample in family.samples
        if sample.name.startswith("timing_profiles_") and not sample.name.endswith("_created")
    }


async def until(port: int, name: str, value: float, **labels: str) -> Samples:
    """Scrape until a sample has a value."""
    key = (name, frozenset(labels.items()))

    async def samples() -> Samples | None:
        found = await scraped(port)
        return found if found.get(key) == value else None

    return await eventually(samples, 20, f"{name} is {value:g}")
