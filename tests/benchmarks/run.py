"""Measure memo with the model in use: `python tests/benchmarks/run.py [NAME…]`.

stories   share of held-out two-document stories that end with the right facts
cost      evaluated tokens of the published algorithm over memo's, on one conversation
agreement share of messages that importers read as other programs' tests expect (--exports)
parse     messages a second read from generated exports of up to 300 MB, in flat memory
backlog   what storing a message costs among 100,000 over among 30,000, before any is read
paint     time to the application's first paint over that of an empty Textual application
keys      milliseconds from a key to the screen while an answer is shown piece by piece, alone and
          with the model in use writing beside it: the worse 95th percentile
facts     the same for each key of a search among 100,000 facts
search    the worst share of the time that a search of 100,000 or a million facts may take
growth    the worst growth of any look into a store, over the growth of the store
past      a search where nine of ten facts are past, over one where none is
imports   what a document costs where there are 100 times as many facts, by fakes
memory    megabytes that `memo facts` takes in the largest store, listing all or searching one
doctor    processor seconds of `memo doctor` among 100,000 facts, the worse of plain and encrypted
peer      mem0's processor time over memo's, storing and searching messages: the worse (--peer)
start     `memo --help` over `python -c pass`
batched   32 verdicts one at a time with prefix reuse, over the same together
rates     tokens a second, memo's over llama.cpp's own loop: the worse of prompt and generation
restart   first verdict of a new process, prefix evaluated over prefix read from disk
stop      from a stop within a prompt of 3,000 tokens until the next call is served, p95 of 20
process   speed through the child process over the same calls without one
card      only where a graphics card can be used: card over processor (gpu.sh sets that up)

Models are found as the program finds them (--model, MEMO_MODEL, the settings file, the default).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parents[1]))  # where the fakes are

import agreement
import backlog
import cost
import engine
import keeping
import parse
import peer
import scale
import screens
import stories

from memo.engines import installed_embedder, installed_language_model, loading, located
from memo.errors import ModelError
from memo.llama.backend import devices
from memo.llama.engine import LlamaLM
from memo.models import default_models
from memo.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memo.llama import Load
    from memo.lm import Embedder, LanguageModel

STORIES_RIGHT = 0.8
COST_RATIO = 8.0
AGREEMENT = 1.0
MESSAGES_A_SECOND = 20_000.0
MEMORY_GROWTH = 1.25  # peak for a file four or ten times as large over the peak for one
PAINT_RATIO = 1.5
KEY_MS = 50.0
SEARCH_MS = {100_000: 10.0, 1_000_000: 50.0}
"""The median that a search among so many facts may take."""
RECALL = 0.95
FLAT = 1.5
"""How much more anything may cost that should not grow with the store."""
PAST_RATIO = 1.25
IMPORT_RATIO = 4.0
FACTS_MB = 300.0
START_RATIO = 4.0
PEER_RATIO = 1.0
DOCTOR_S = 30.0
BATCHED_RATIO = 2.0
RATES_RATIO = 0.95
RESTART_RATIO = 5.0
STOP_S = 0.3
PROCESS_RATIO = 0.95
CARD_RATIO = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """One figure and what it should be at least; where its unit says so, at most."""

    value: float
    unit: str
    target: float
    ok: bool
    detail: dict[str, Any] = field(default_factory=dict)


class Bench:
    """The options of a run, and its models, loaded when first needed."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.settings = load(model=options.model)
        self.file, self.resume = Path(options.stories).stem, options.resume
        self.exports: Path | None = options.exports
        self.peer: str = options.peer
        self.size: int = options.facts
        """Facts of the largest store."""
        self._folder = folder
        self._measured: dict[int, dict[str, Any]] = {}
        self._lm: LanguageModel | None = None
        self._embedder: Embedder | None = None

    @property
    def lm(self) -> LanguageModel:
        """One engine for all that need not begin afresh."""
        if self._lm is None:
            self._lm = installed_language_model(self.settings)
        return self._lm

    @property
    def embedder(self) -> Embedder:
        """The embedding model in use."""
        if self._embedder is None:
            self._embedder = installed_embedder(self.settings)
        return self._embedder

    def stories(self) -> Result:
        """Tell every story of the file, but for those that the resume file has already."""
        done = {row["name"]: row for row in self._done()}
        told = stories.load(self.file)
        for story in told:
            if story["name"] in done:
                continue
            with contextlib.redirect_stdout(sys.stderr):
                (verdict,) = stories.measure(self.file, self.lm, self.embedder, [story["name"]])
            row = {"model": self.lm.name, "file": self.file, "right": verdict.right}
            done[verdict.name] = row | asdict(verdict)
            self._note(done[verdict.name])
        rows = [done[story["name"]] for story in told]
        share = sum(row["right"] for row in rows) / len(rows)
        harmed = sum(not row["kept"] for row in rows)
        return Result(
            share,
            "share right",
            STORIES_RIGHT,
            share >= STORIES_RIGHT and not harmed,
            {
                "model": self.lm.name,
                "file": self.file,
                "stories": len(rows),
                "stories_that_retired_unrelated_facts": harmed,
                "stories_whose_first_fact_was_not_learned": sum(not r["learned"] for r in rows),
                "stories_whose_change_was_not_made": sum(
                    r["learned"] and not (r["current"] and r["past"]) for r in rows
                ),
                "verdicts": rows,
            },
        )

    def _done(self) -> list[dict[str, Any]]:
        if self.resume is None or not self.resume.exists():
            return []
        rows = [json.loads(line) for line in self.resume.read_text("utf-8").splitlines()]
        return [row for row in rows if (row["model"], row["file"]) == (self.lm.name, self.file)]

    def _note(self, row: dict[str, Any]) -> None:
        if self.resume is not None:
            with self.resume.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def cost(self) -> Result:
        """Tokens, on fresh engines: `lm` may have evaluated something already."""
        model = located(default_models(self.settings)[0], "chat", self.settings)
        with tempfile.TemporaryDirectory() as folder:
            found = cost.measure(
                lambda: LlamaLM(
                    model.path, family=model.family, name=model.name, prefixes=Path(folder)
                ),
                self.embedder,
            )
        return Result(
            round(found.ratio, 2),
            "times the evaluated tokens",
            COST_RATIO,
            found.ratio >= COST_RATIO,
            found.detail,
        )

    def agreement(self) -> Result:
        """No model is loaded; the exports are other people's and not in this repository."""
        if self.exports is None:
            raise SystemExit("agreement compares a folder of exports: name it with --exports.")
        found = agreement.compare(self.exports)
        agreed = sum(one.agreed for one in found)
        expected = sum(one.expected or 0 for one in found)
        share = agreed / max(expected, 1)
        files = {one.name: asdict(one) for one in found}
        return Result(share, "share of messages", AGREEMENT, share >= AGREEMENT, files)

    def parse(self) -> Result:
        """The slowest of four files; memory must not grow with the file."""
        found = parse.measure()
        slowest = min(one.rate for one in found)
        growth = parse.growth(found)
        return Result(
            round(slowest),
            "messages a second",
            MESSAGES_A_SECOND,
            slowest >= MESSAGES_A_SECOND and growth <= MEMORY_GROWTH,
            {"memory_growth": round(growth, 2), "files": [asdict(one) for one in found]},
        )

    def backlog(self) -> Result:
        """The first stage of an import; neither time nor memory may grow with what is stored."""
        small, large = backlog.measure()
        ratio = small.rate / large.rate
        growth = large.peak_mib / small.peak_mib
        return Result(
            round(ratio, 2),
            "times (at most)",
            FLAT,
            max(ratio, growth) <= FLAT,
            {
                "messages_a_second": round(large.rate),
                "memory_growth": round(growth, 2),
                "sizes": [asdict(small), asdict(large)],
            },
        )

    def paint(self) -> Result:
        """The terminal application's start."""
        ratio, detail = screens.first_paint()
        return Result(round(ratio, 2), "times (at most)", PAINT_RATIO, ratio <= PAINT_RATIO, detail)

    def keys(self) -> Result:
        """Typing while a model works."""
        alone = screens.keys_while_thinking()
        with screens.writing(self.lm):
            beside = screens.keys_while_thinking()
        slowest = max(alone.slowest_ms, beside.slowest_ms)
        detail = {"model": self.lm.name, "alone": asdict(alone), "beside_it": asdict(beside)}
        return Result(slowest, "ms (at most)", KEY_MS, slowest <= KEY_MS, detail)

    def facts(self) -> Result:
        """Typing a search among many facts."""
        found = screens.facts_at_scale()
        ok = found.keys.p95_ms <= KEY_MS
        return Result(found.keys.p95_ms, "ms (at most)", KEY_MS, ok, asdict(found))

    @property
    def stores(self) -> scale.Stores:
        """Synthetic stores of any size."""
        return scale.Stores(self._folder, self.embedder)

    def _sizes(self) -> list[int]:
        return [10**power for power in range(3, 7) if 10**power <= self.size]

    def _measure(self, facts: int) -> dict[str, Any]:
        if facts not in self._measured:
            self._measured[facts] = scale.measure(self.stores, facts)
        return self._measured[facts]

    def search(self) -> Result:
        """Times and recall at every size; the verdict is on the sizes that have a target.

        It is on the processor's time, which other work on the machine does not change; what was
        waited stands beside it.
        """
        measured = [self._measure(facts) for facts in self._sizes()]
        share = max(
            (
                one["times"]["vector"]["cpu_ms"] / SEARCH_MS[one["facts"]]
                for one in measured
                if one["facts"] in SEARCH_MS
            ),
            default=0.0,
        )
        found = min(one["recall"] for one in measured)
        return Result(
            round(share, 3),
            f"of the time allowed, at most; recall@10 {found:.3f}",
            1.0,
            share <= 1 and found >= RECALL,
            {"sizes": measured},
        )

    def growth(self) -> Result:
        """The processor's time of each look in the largest store, over that in the smallest."""
        small, large = self._measure(self._sizes()[0]), self._measure(self._sizes()[-1])
        grown = {
            name: round(times["cpu_ms"] / small["times"][name]["cpu_ms"], 2)
            for name, times in large["times"].items()
            if name != "exact"
        }
        worst = max(grown.values()) / (large["facts"] / small["facts"])
        return Result(
            round(worst, 4),
            "of linear growth, at most; history of one fact flat",
            1.0,
            worst <= 1 and grown["history"] <= FLAT,
            {"times_as_long": grown, "facts": [small["facts"], large["facts"]]},
        )

    def past(self) -> Result:
        """Searches among as many current facts, with past ones beside them and without."""
        found = scale.past_share(self.stores, min(self.size, 100_000))
        ratio = found["past"] / found["current"]
        return Result(round(ratio, 2), "times, at most", PAST_RATIO, ratio <= PAST_RATIO, found)

    def imports(self) -> Result:
        """The same messages into the smallest store and into one of 100,000 facts."""
        sizes = [facts for facts in self._sizes() if facts in (1000, 100_000)]
        found: dict[str, Any] = {}
        for facts in sizes:
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                shutil.copy(self.stores.home(facts) / "memo.db", folder)
                found[str(facts)] = scale.import_into(Path(folder), 1000)
        ratio = (
            found[str(sizes[-1])]["cpu_ms_a_document"] / found[str(sizes[0])]["cpu_ms_a_document"]
        )
        return Result(round(ratio, 2), "times, at most", IMPORT_RATIO, ratio <= IMPORT_RATIO, found)

    def memory(self) -> Result:
        """All current facts of the largest store, listed, and a search by meaning among them."""
        home = ["--home", str(self.stores.home(self.size))]
        peaks = {
            "all": scale.peak_mb([*home, "facts"]),
            "search": scale.peak_mb([*home, "facts", "Where does Lumi work?"]),
        }
        peak = max(peaks.values())
        return Result(
            peak, "MB, at most", FACTS_MB, peak <= FACTS_MB, {"facts": self.size, "mb": peaks}
        )

    def doctor(self) -> Result:
        """A check of everything in a store of 100,000 facts; what keeping it safe takes, too."""
        home = self.stores.home(min(self.size, 100_000))
        found = keeping.measure(home / "memo.db", self.embedder)
        slowest = max(found["plain"]["doctor_s"], found["encrypted"]["doctor_s"])
        return Result(slowest, "seconds, at most", DOCTOR_S, slowest <= DOCTOR_S, found)

    def compare_peer(self) -> Result:
        """The same messages stored and searched by another memory library, no model anywhere."""
        found = peer.measure(self.peer)
        ratios = {
            name: round(found["mem0"][f"{name}_s"] / found["memo"][f"{name}_s"], 2)
            for name in ("add_cpu", "add_wall", "search_cpu", "search_wall")
        }
        worst = min(ratios["add_cpu"], ratios["search_cpu"])
        return Result(
            worst, "times the speed", PEER_RATIO, worst >= PEER_RATIO, {"ratios": ratios, **found}
        )

    def start(self) -> Result:
        """What it takes to be shown the commands."""
        found = scale.starts(
            {
                "python -c pass": ["-c", "pass"],
                "memo --help": ["-m", "memo", "--help"],
                "memo facts --help": ["-m", "memo", "facts", "--help"],
            }
        )
        ratio = found["memo --help"] / found["python -c pass"]
        return Result(
            round(ratio, 2), "times, at most", START_RATIO, ratio <= START_RATIO, {"ms": found}
        )

    def engine(
        self,
        measure: Callable[[Load], engine.Measured],
        unit: str,
        target: float,
        *,
        at_most: bool = False,
    ) -> Result:
        """A figure of the engine alone."""
        load = engine.without_prefixes(loading(self.settings))
        found = measure(load)
        ok = found.value <= target if at_most else found.value >= target
        return Result(found.value, unit, target, ok, {"model": load.name, **found.detail})

    def card(self) -> Result:
        """Offloading; without a card there is nothing to measure, and that is a miss."""
        load = engine.without_prefixes(loading(self.settings))
        whole, found = engine.card(load)
        return Result(
            found.value,
            "times as fast on the card",
            CARD_RATIO,
            whole and found.value >= CARD_RATIO,
            {"model": load.name, "all_on_the_card_with_the_same_verdicts": whole, **found.detail},
        )


BENCHMARKS: dict[str, Callable[[Bench], Result]] = {
    "stories": Bench.stories,
    "cost": Bench.cost,
    "agreement": Bench.agreement,
    "parse": Bench.parse,
    "backlog": Bench.backlog,
    "paint": Bench.paint,
    "keys": Bench.keys,
    "facts": Bench.facts,
    "search": Bench.search,
    "growth": Bench.growth,
    "past": Bench.past,
    "imports": Bench.imports,
    "memory": Bench.memory,
    "doctor": Bench.doctor,
    "peer": Bench.compare_peer,
    "start": Bench.start,
    "batched": lambda b: b.engine(engine.batched, "times faster together", BATCHED_RATIO),
    "rates": lambda b: b.engine(engine.rates, "of llama.cpp's rate", RATES_RATIO),
    "restart": lambda b: b.engine(engine.restart, "times sooner", RESTART_RATIO),
    "stop": lambda b: b.engine(engine.stops, "s at most, p95", STOP_S, at_most=True),
    "process": lambda b: b.engine(engine.process, "of the speed without", PROCESS_RATIO),
    "card": Bench.card,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named, print a table; 1 if a target is missed, 4 without a model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="*", help=f"{', '.join(BENCHMARKS)}; all where none is named")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write figures and details there")
    parser.add_argument(
        "--model", metavar="NAME|PATH", help="a chat model other than the one in use"
    )
    parser.add_argument("--stories", default="everyday_test", metavar="FILE", help="another file")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="verdicts, kept and not redone")
    parser.add_argument("--exports", type=Path, metavar="FOLDER", help="exports for agreement")
    parser.add_argument(
        "--facts", type=int, default=100_000, metavar="N", help="size of the largest store"
    )
    parser.add_argument("--stores", type=Path, metavar="DIR", help="stores, kept and not rebuilt")
    parser.add_argument(
        "--peer", default=sys.executable, metavar="PYTHON", help="of an environment with mem0ai"
    )
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.name if name not in BENCHMARKS]:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    results: dict[str, Result] = {}
    passing = tempfile.TemporaryDirectory()
    bench = Bench(chosen, chosen.stores or Path(passing.name))
    try:
        for name in chosen.name or [name for name in BENCHMARKS if name != "card" or devices()]:
            if name == "peer" and (why := peer.missing(chosen.peer)):
                print(f"peer is skipped: {why}", file=sys.stderr)
                continue
            results[name] = BENCHMARKS[name](bench)
    except ModelError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    finally:
        passing.cleanup()
        if chosen.json and results:
            figures = {name: asdict(result) for name, result in results.items()}
            chosen.json.write_text(
                json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8"
            )
    print(f"{'benchmark':12} {'value':>8} {'target':>8}  {'':4} unit")
    for name, result in results.items():
        mark = "ok" if result.ok else "MISS"
        print(f"{name:12} {result.value:8.2f} {result.target:8.2f}  {mark:4} {result.unit}")
    return 0 if all(result.ok for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
