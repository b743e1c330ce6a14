"""The networks of the bench for people: by engine and precision, and beside peers."""

from typing import Any

from edge_emotion.bench_networks import REFERENCE, SIDE
from edge_emotion.bench_table import Section, Table, number


def networks_section(result: dict[str, Any]) -> Section:
    """Every network in every engine and precision."""
    measured = result["networks"]
    note = (
        f"All in turn, {measured['rounds']} rounds, one thread, one process, CPU time. / {REFERENCE}: p50 over its p50 "
        "in this run. MAC: multiply-accumulates of one run, counted from the TFLite file's operators. % of peak: "
        "MACs a second over the matrix peak."
    )
    peak = (
        f"matrix peak: {measured['peak'] / 1e9:.1f} billion MACs a second, the quickest float32 product of two "
        f"{SIDE} x {SIDE} matrices in numpy, one thread, in this run; int8 may pass it"
    )
    rows = tuple(
        (
            cost["network"],
            cost["engine"],
            cost["precision"],
            number(cost["size"], ".0f", 1e-3),
            number(cost["p50"], ".3f", 1e3),
            number(cost["p95"], ".3f", 1e3),
            number(cost["ratio"]),
            number(cost["multiply_accumulates"], ".2f", 1e-6),
            number(cost["peak_share"], ".0f", 100),
        )
        for cost in measured["networks"]
    )
    columns = (
        "network",
        "engine",
        "precision",
        "KB",
        "p50 ms",
        "p95 ms",
        f"/ {REFERENCE}",
        "MAC million",
        "% of peak",
    )
    return Section("Networks", note, (Table(columns, 3, rows),), (peak,))


def peers_section(result: dict[str, Any]) -> Section:
    """Peers' networks, ours and those that we carry."""
    costs = result["peers"]
    first = costs[0]["network"]
    note = (
        "LiteRT, one thread, CPU time, in turn on the faces of the bundled clip; the networks alone: how a face "
        "is found and brought into a network is left out. "
        f"ms a second: of one second of the live source, {first} at every frame."
    )
    rows = tuple(
        (
            cost["network"],
            cost["whose"],
            cost["precision"],
            number(cost["parameters"], ".0f", 1e-3),
            number(cost["size"], ".0f", 1e-3),
            number(cost["multiply_accumulates"], ".2f", 1e-6),
            number(cost["p50"], ".3f", 1e3),
            number(cost["p95"], ".3f", 1e3),
            number(cost["ratio"]),
            number(cost["a_second"], ".1f", 1e3),
        )
        for cost in costs
    )
    columns = (
        "network", "whose", "precision", "parameters thousand", "KB", "MAC million", "p50 ms", "p95 ms",
        f"/ {first}", "ms a second",
    )  # fmt: skip
    ours = [cost for cost in costs if cost["whose"] == "ours"]
    second, peer = sum(cost["a_second"] for cost in ours), costs[0]["a_second"]
    still = sum(cost["p50"] for cost in ours) / costs[0]["p50"]
    line = (
        f"{' + '.join(cost['network'] for cost in ours)}: {still:.2f} of {first} when each runs once, "
        f"{second / peer:.2f} of it for one second of video ({second * 1e3:.1f} ms against {peer * 1e3:.1f} ms)"
    )
    return Section("Peers", note, (Table(columns, 3, rows),), (line,))
