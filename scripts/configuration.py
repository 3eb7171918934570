#!/usr/bin/env python3
"""Makes docs/CONFIGURATION.md from what the programs themselves say: every flag from --help, every environment variable and every key
of every file from the code that reads it.

    scripts/configuration.py            exits with 1 if docs/CONFIGURATION.md is not what the code says
    scripts/configuration.py --write    writes it
    scripts/configuration.py --programs DIR   where the programs are (default: target/debug, else target/release)

A map of keys that the code reads and PLACES does not name is a failure too: nothing is left out quietly.
"""

import difflib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/CONFIGURATION.md"
PROGRAMS = ["wallet-svc", "control", "wallet-ops", "loadgen", "sandbox"]

# Where in a file the keys stand that a function reads: source below control/src, function, place. In the order of the page.
PLACES = {
    "Environment (`control/environments/*.yaml`)": {
        ("config/environment.rs", "read"): "",
        ("config/environment.rs", "resources"): "resources",
        ("config/environment.rs", "service"): "resources.service",
        ("config/environment.rs", "budget"): "budget",
        ("config/signals.rs", "signal"): "signals.NAME",
        ("config/signals.rs", "absence"): "signals.NAME.absent",
        ("config/scaling/mod.rs", "read"): "scaling",
        ("config/scaling/mod.rs", "range"): "scaling.tasks, scaling.readers.count",
        ("config/scaling/mod.rs", "targets"): "scaling.targets, scaling.readers.targets",
        ("config/scaling/mod.rs", "way_out"): "scaling.out, scaling.readers.out",
        ("config/scaling/mod.rs", "way_in"): "scaling.in, scaling.readers.in",
        ("config/scaling/mod.rs", "readers"): "scaling.readers",
        ("config/scaling/extras.rs", "boost"): "scaling.boost",
        ("config/scaling/extras.rs", "rise"): "scaling.boost.rise",
        ("config/scaling/extras.rs", "fallback"): "scaling.fallback",
        ("config/scaling/extras.rs", "forecast_settings"): "scaling.forecast",
        ("config/scaling/schedule.rs", "schedule"): "scaling.schedules[]",
        ("config/slos.rs", "slo"): "slos[]",
        ("config/slos.rs", "burn"): "alerts[].when.burn",
        ("config/alerts.rs", "rule"): "alerts[]",
        ("config/alerts.rs", "expected"): "alerts[].expected_in[]",
        ("config/notify.rs", "topics"): "topics",
        ("config/notify.rs", "read"): "notify",
        ("config/notify.rs", "next"): "notify.next_in_line[]",
        ("config/notify.rs", "matchers"): "maintenance[].matches",
        ("config/cost.rs", "read"): "cost",
        ("config/cost.rs", "batch"): "cost.batch",
        ("config/cost.rs", "logs"): "cost.logs",
        ("config/cost.rs", "backups"): "cost.backups",
    },
}


# Needed too, though the code asks for them by a name that it is handed.
NEEDED = {("read", "tasks"), ("readers", "count"), ("way_out", "points"), ("way_in", "points")}


def cell(text: str) -> str:
    """As a table takes it."""
    return text.replace("|", "\\|")


def fail(message: str) -> None:
    print(f"configuration: {message}", file=sys.stderr)
    sys.exit(1)


# --- flags -----------------------------------------------------------------------------------------------------------------------

def says(program: Path, words: list[str]) -> str:
    """What --help prints, as wide as it likes."""
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, timeout=20, env={"PATH": "/usr/bin:/bin", "COLUMNS": "1000"})
    if done.returncode not in (0, 64):
        fail(f"{program.name} {' '.join(words)} --help ended with {done.returncode}: {done.stderr}")
    return done.stdout


def options(text: str) -> list[tuple[str, str]]:
    """Flag with its value, and what it is for."""
    found: list[tuple[str, str]] = []
    section = ""
    for line in text.splitlines():
        if re.match(r"^\w.*:$", line):
            section = line
        elif section in ("Options:", "Arguments:") and line.strip():
            head = re.match(r"^ {2,6}((?:-\w, )?--[\w-]+(?: <[^>]+>)?(?:\.\.\.)?|<[^>]+>|\[[A-Z_]+\])(?: {2,}(.*))?$", line)
            if head:
                found.append((head[1], (head[2] or "").strip()))
            elif found:
                found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}".strip())
    return [(flag, what) for flag, what in found if not re.search(r"--(help|version)\b", flag)]


def commands(text: str) -> list[str]:
    """Subcommands, but for help."""
    part = re.search(r"^Commands:\n((?: .*\n?)+)", text, re.M)
    return [] if not part else [name for name in re.findall(r"^  (\S+)", part[1], re.M) if name != "help"]


def flags(program: Path, words: list[str]) -> list[str]:
    """A table for each command that has options."""
    text = says(program, words)
    lines = []
    listed = options(text)
    if listed:
        lines += [f"### `{' '.join([program.name, *words])}`", "", text.splitlines()[0].rstrip("."), "", "| flag | what |", "|---|---|"]
        lines += [f"| `{cell(flag)}` | {cell(what)} |" for flag, what in listed]
        lines.append("")
    for command in commands(text):
        lines += flags(program, [*words, command])
    return lines


# --- environment variables -------------------------------------------------------------------------------------------------------

def source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def plain(code: str) -> str:
    """A Rust range or number as people write it."""
    return code.replace("_", "").replace("..=", " to ").strip()


def wallet_variables() -> dict[str, tuple[str, str]]:
    """Variable to (needed or default, form) of wallet-svc, from its one reader of the environment."""
    code = source("wallet-svc/src/config.rs").split("#[cfg(test)]")[0]
    found: dict[str, tuple[str, str]] = {}
    for name, default, span in re.findall(r'\.number\(\s*"(\w+)",\s*([\w_]+),\s*([\w_]+\.\.=[\w_]+)', code):
        found[name] = (plain(default), plain(span))
    for name, default in re.findall(r'\.text\("(\w+)",\s*"([^"]*)"\)', code):
        found[name] = (f"`{default}`", "text")
    constants = dict(re.findall(r'const (\w+): &str = "([^"]*)"', code))
    for name, form in re.findall(r'\.required\("(\w+)",\s*("[^"]*"|\w+)\)', code):
        found[name] = ("**needed**", constants.get(form, form.strip('"')))
    for name in re.findall(r'\.optional\("(\w+)"\)', code):
        found.setdefault(name, ("none", "text"))
    for name in re.findall(r'\(self\.get\)\("(\w+)"\)', code):
        found.setdefault(name, ("**needed**", "text; may be empty"))
    notes = {
        "WALLET_DB_READER_URL": ("the writer's", "as WALLET_DB_WRITER_URL"),
        "WALLET_REDIS_URL": ("no cache", "`redis://host:port`"),
        "WALLET_TASK_ID": ("the host's name", "text"),
    }
    found.update({name: note for name, note in notes.items() if name in found})
    found["RUST_LOG"] = ("`info`", "a filter such as `info,wallet_svc=debug`")
    return found


def other_variables() -> list[tuple[str, str, str]]:
    """Variable, program, what for."""
    found = []
    code = source("control/src/config/mod.rs")
    for doc, name in re.findall(r'/// ([^\n]*)\n(?:pub )?const \w+: &str = "([A-Z_]+)";', code):
        found.append((name, "control", doc.rstrip(".")))
    for field, name in (("host", "HOSTNAME"), ("log_filter", "RUST_LOG")):
        doc = re.search(rf"/// ([^\n]*)\n    pub {field}:", code)
        if f'"{name}"' not in code or not doc:
            fail(f"control/src/config/mod.rs no longer reads {name}")
        found.append((name, "control", doc[1].rstrip(".")))
    for path, program in (("control/src/config/daemon.rs", "control"), ("tui/src/config.rs", "wallet-ops"), ("loadgen/src/config.rs", "loadgen")):
        for before, name in re.findall(r'((?:    ///[^\n]*\n)*)    #\[arg\([^\]]*env = "(\w+)"', source(path)):
            found.append((name, program, " ".join(re.findall(r"/// ?(.*)", before)).rstrip(".")))
    found.append(("RUST_LOG", "sandbox", "What is logged, as `info`"))
    found.append(("AWS_REGION, AWS_ENDPOINT_URL, AWS_PROFILE and others", "wallet-svc, control", "what the AWS SDK reads itself; without region and endpoint wallet-svc publishes no metrics"))
    return found


# --- keys of files ---------------------------------------------------------------------------------------------------------------

def functions(code: str) -> list[tuple[str, str]]:
    """Name and text of each function."""
    starts = [(found.start(), found[1]) for found in re.finditer(r"^(?:pub(?:\([a-z]+\))? )?(?:async )?fn (\w+)", code, re.M)]
    return [(name, code[at:(starts[index + 1][0] if index + 1 < len(starts) else len(code))]) for index, (at, name) in enumerate(starts)]


def keys_of(code: str, argument: str) -> list[str]:
    """The keys of `.map(&[...])` or of a constant."""
    if argument.startswith("&"):
        return re.findall(r'"(\w+)"', argument)
    found = re.search(rf"const {argument}: &\[&str\] =\s*&\[(.*?)\];", code, re.S)
    return re.findall(r'"(\w+)"', found[1]) if found else []


def described(code: str, function: str, body: str, key: str) -> str:
    """A key, bold when it must be there, with its default, its range or its words as far as the code says them in place."""
    # Where it is read may be the next function: a map is handed on.
    text = body if f'("{key}"' in body or f'"{key}",' in body else code
    ways = [re.search(rf'\.({way})\(\s*"{key}"(?:,\s*([^,|()]+(?:\([^()]*\))?))?', text) for way in ("required", "or", "optional")]
    call = next((one for one in ways if one), None)
    if not call:
        return f"**`{key}`**" if (function, key) in NEEDED else f"`{key}`"
    after = text[call.end():call.end() + 160].split(";")[0].split("map.")[0]
    span = re.search(r"\.(?:count|number|duration)\(([^()]*\.\.=[^()]*)\)", after)
    words = re.search(r"choice\(&\[((?:\(\"[^\"]*\", [^)]*\),? ?)+)\]", after)
    extra = []
    if words:
        extra.append(" or ".join(f"`{word}`" for word in re.findall(r'\("([^"]*)"', words[1])))
    elif span and re.match(r"^[\d_.e-]+\.\.=[\d_.e]+$", span[1]):
        extra.append(plain(span[1]))
    if call[1] == "or" and re.match(r"^\d[\d_.]*$", (call[2] or "").strip()):
        extra.append(f"default {plain(call[2])}")
    shown = f"**`{key}`**" if call[1] == "required" else f"`{key}`"
    return shown + (f" ({', '.join(extra)})" if extra else "")


def maps() -> list[tuple[str, str, str]]:
    """Source, function, keys, for every map of keys that the code reads."""
    found = []
    for path in sorted((ROOT / "control/src").rglob("*.rs")):
        name = path.relative_to(ROOT / "control/src").as_posix()
        if "test" in name or name.startswith("document/"):
            continue
        code = path.read_text(encoding="utf-8")
        code = re.sub(r"#\[cfg\(test\)\]\s*(#\[path[^\n]*\n)?\s*mod \w+(;| \{.*)", "", code, flags=re.S)
        for function, body in functions(code):
            for argument in re.findall(r"\.map\((&\[[^\]]*\]|[A-Z_]*KEYS)\)", body):
                keys = keys_of(body, argument) or keys_of(code, argument)
                if keys:
                    found.append((name, function, ", ".join(described(code, function, body, key) for key in keys)))
    return found


OTHERS = [
    ("Price book (`control/prices/*.yaml`)", "config/prices.rs"),
    ("Policy of a replay (`control/policies/*.yaml`)", "config/variant.rs"),
    ("Tokens (`--tokens`)", "api/tokens.rs"),
    ("Identity provider (`--identity`)", "api/identity/"),
    ("Runbook (`runbooks/*.yaml`)", "runbook/parse/"),
    ("Drill (`runbooks/drills/*.yaml`)", "drill/"),
    ("Scenario of a simulation (`control/scenarios/*.yaml`)", "simulate/scenario/"),
]


def files() -> list[str]:
    """A table for each kind of file."""
    lines, left = [], maps()
    for title, places in PLACES.items():
        lines += [f"### {title}", "", "| under | keys |", "|---|---|"]
        for (name, function), place in places.items():
            rows = [one for one in left if one[0] == name and one[1] == function]
            if not rows:
                fail(f"PLACES names {function} in control/src/{name}, which reads no map of keys; look at its functions: {[one[1] for one in left if one[0] == name]}")
            lines += [f"| {f'`{place}`' if place else 'the top'} | {keys} |" for _, _, keys in rows]
            left = [one for one in left if one not in rows]
        lines.append("")
    for title, prefix in OTHERS:
        rows = [one for one in left if one[0].startswith(prefix)]
        lines += [f"### {title}", "", "| read as | keys |", "|---|---|"] + [f"| {function} | {keys} |" for _, function, keys in rows] + [""]
        left = [one for one in left if one not in rows]
    if left:
        fail("the code reads keys that PLACES does not place: " + "; ".join(f"control/src/{one[0]} {one[1]}: {one[2]}" for one in left))
    return lines


def page(programs: Path) -> str:
    """The whole document."""
    lines = [
        "# Configuration", "",
        "Made by `scripts/configuration.py --write` from `--help` and from the code that reads each setting; `scripts/configuration.py` checks it.",
        "What the settings mean together is in [CONTROL](CONTROL.md) and [RUNBOOKS](RUNBOOKS.md); Terraform's variables are described in `terraform/stack/variables.tf`.",
        "", "## Environment variables of wallet-svc", "",
        "All its settings. Faults are reported together, before a port opens, and end it with 64.", "", "| variable | default | form or range |", "|---|---|---|",
    ]
    lines += [f"| `{name}` | {default} | {cell(form)} |" for name, (default, form) in sorted(wallet_variables().items(), key=lambda one: (one[0].startswith("AWS"), one[0]))]
    lines += ["", "## Environment variables of the others", "", "| variable | of | what |", "|---|---|---|"]
    lines += [f"| `{name}` | {program} | {what} |" for name, program, what in other_variables()]
    lines += ["", "## Flags", ""]
    for name in PROGRAMS:
        lines += flags(programs / name, [])
    lines += ["## Keys of files", "", "**Bold** keys must be there. Any other key is a fault, which names file and line.", ""]
    lines += files()
    return "\n".join(lines).rstrip() + "\n"


def unlisted(text: str) -> list[str]:
    """Variables with our prefixes that the shipped code names and the page does not."""
    names = set()
    for folder in ("wallet-svc/src", "control/src", "tui/src", "loadgen/src"):
        for path in (ROOT / folder).rglob("*.rs"):
            if "test" not in path.name:
                names |= set(re.findall(r'"((?:WALLET|CONTROL|LOADGEN)_[A-Z_]+)"', path.read_text(encoding="utf-8").split("#[cfg(test)]")[0]))
    return sorted(name for name in names if f"`{name}`" not in text)


def main() -> int:
    words = sys.argv[1:]
    if "--help" in words:
        print(__doc__)
        return 0
    programs = ROOT / "target/debug" if (ROOT / "target/debug/control").exists() else ROOT / "target/release"
    if "--programs" in words:
        programs = Path(words[words.index("--programs") + 1])
    missing = [name for name in PROGRAMS if not (programs / name).exists()]
    if missing:
        fail(f"{', '.join(missing)} not in {programs}: cargo build --workspace --bins, or say --programs DIR")
    text = page(programs)
    if names := unlisted(text):
        fail(f"the code reads variables that were not found: {', '.join(names)}")
    if "--write" in words:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}: {len(text.splitlines())} lines")
        return 0
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if old == text:
        print("docs/CONFIGURATION.md is what the code says")
        return 0
    print("\n".join(difflib.unified_diff(old.splitlines(), text.splitlines(), "docs/CONFIGURATION.md", "the code", lineterm="", n=1)))
    fail("docs/CONFIGURATION.md is not what the code says: scripts/configuration.py --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
