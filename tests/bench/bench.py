# SPDX-License-Identifier: Apache-2.0
"""skiff beside others' tools at the same work, against real registries on this machine.

    make bench                 all jobs; about ten minutes
    BENCH_MB=100 BENCH_RUNS=3 BENCH_JOBS=a,c make bench

BENCH_MB is the size of the large image (1000), BENCH_SMALL_MB that of the small one, for each
of its architectures (53 and, at a distance, 65), BENCH_RUNS how often each tool does each job
(7) and BENCH_TOOLS a word of the tools' names to take alone. BENCH_TREE_MB is the size of the
folder that becomes a layer (500, in up to 30,000 files of /usr). What is measured is the
program that is released, build/static/ARCHITECTURE/skiff; SKIFF=build/skiff takes another. Tools
take turns, so that a busy
moment of the machine meets all of them; one run before the first is not counted. Trust ratios
of medians, not seconds. The table and the chart are in build/bench/. What memory a copy needs,
by the size of the image, is tests/bench/memory.py's part, and the table's end. What the supervisor
costs a function is tests/bench/supervisor.py's (BENCH_JOBS=supervisor), BENCH_EVENTS (1000) events long.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.bench import images, memory, report, supervisor, tools, tree
from tests.support import process
from tests.support.registry_server import Registry

CHECKOUT = Path(__file__).resolve().parents[2]
SKIFF = Path(os.environ.get("SKIFF", memory.RELEASED)).resolve()
BUILD = CHECKOUT / "build" / "bench"
RUNS = int(os.environ.get("BENCH_RUNS", "7"))
LARGE_MB = int(os.environ.get("BENCH_MB", "1000"))
SMALL_MB = int(os.environ.get("BENCH_SMALL_MB", "0"))
TREE_MB = int(os.environ.get("BENCH_TREE_MB", "500"))
TREE_FILES = 30000
ROUND_TRIP_MS, MB_PER_S = 40, 60
MEMORY_MB = (100, 1000, 10000)
SLOW_S = 15  # who takes longer is run once more and that is all
BOTH = ("amd64", "arm64")

DEFINITION = """\
functions:
  aws:
  - lambda:
      runtime: image
      name: bench
      init_script: run.sh
      container:
        image: {source}
        environment:
          Variables:
            GREETING: hello
"""
CONTAINERFILE = """\
FROM {source}
ARG TARGETARCH
COPY $TARGETARCH/var /var
ENV GREETING=hello
WORKDIR /var/task
ENTRYPOINT ["/var/task/supervisor"]
CMD ["/bin/sh"]
"""


class Job:
    """What is to be done, and where; the goal is a part of the time that crane takes."""

    def __init__(self, key, goal, title, image, architectures=BOTH[:1], same=False, again=False,
                 far=False, tree=False):
        self.key, self.title, self.image, self.architectures = key, title, image, architectures
        self.goal = goal
        self.same, self.again, self.far, self.tree = same, again, far, tree
        self.gzip_6_mb = 0  # what the layer is compared with


def jobs():
    small, large = f"{SMALL_MB or 53} MB", f"{LARGE_MB} MB"
    far = f"{SMALL_MB or 65} MB, {ROUND_TRIP_MS} ms away"
    return [
        Job("a", 1.00, f"to another registry, {large}", "large"),
        Job("b", 0.90, f"both architectures and index, {small} each", "small", BOTH),
        Job("c", 0.70, f"within one registry, {large}", "large", same=True),
        Job("d", 0.70, f"only the script changed, {large}", "large", again=True),
        Job("e", 1.00, f"a folder of {TREE_MB} MB to a layer", "small", tree=True),
        Job("fa", 0.65, f"to another registry, {far}", "far", far=True),
        Job("fc", 0.35, f"within one registry, {far}", "far", same=True, far=True),
        Job("fd", 0.35, f"only the script changed, {far}", "far", again=True, far=True),
    ]


def compile_helper(name, *libraries):
    program = BUILD / name
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", "-o", program,
                    CHECKOUT / "tests" / "bench" / f"{name}.c", *libraries], check=True)
    return str(program)


class Road:
    """A registry, and the slow road to it."""

    def __init__(self, proxy):
        self.registry = Registry(auth=False).start()
        port = self.registry.host.split(":")[1]
        self.proxy = process.start([proxy, str(ROUND_TRIP_MS), str(MB_PER_S), port],
                                   stdout=subprocess.PIPE, text=True)
        self.far_host = "127.0.0.1:" + self.proxy.stdout.readline().strip()

    def host(self, job):
        return self.far_host if job.far else self.registry.host

    def stop(self):
        process.stop(self.proxy)
        self.registry.stop()


class Bench:
    def __init__(self, scratch):
        BUILD.mkdir(parents=True, exist_ok=True)
        self.scratch = Path(scratch)
        self.measure = compile_helper("measure")
        proxy = compile_helper("delay_proxy", "-lpthread")
        self.path = f"{BUILD / 'bin'}:{os.environ['PATH']}"
        self.source, self.target, self.again = Road(proxy), Road(proxy), Road(proxy)
        self.layers = self.scratch / "layers"
        self.layers.mkdir()
        self.tree = self.scratch / "tree"
        self.count = 0

    def stop(self):
        for road in (self.source, self.target, self.again):
            road.stop()

    def put_images(self, wanted):
        host = self.source.registry.host
        if "large" in wanted:
            images.put(host, "base/large", LARGE_MB, BOTH[:1], self.layers)
        if "small" in wanted:
            images.put(host, "base/small", SMALL_MB or 53, BOTH)
        if "far" in wanted:
            images.put(host, "base/far", SMALL_MB or 65, BOTH[:1])

    def make_tree(self, job):
        count, total = tree.make(self.tree / "opt" / "tree", TREE_MB, TREE_FILES)
        print(f"the folder has {total / 1e6:.0f} MB in {count} files", flush=True)
        job.gzip_6_mb = tree.gzip_6_bytes(self.tree) / 1e6

    def write_files(self, folder, job, source, script):
        """What the tools start from: the same files for each of them."""
        (folder / "function.yaml").write_text(DEFINITION.format(source=source))
        (folder / "Containerfile").write_text(CONTAINERFILE.format(source=source))
        (folder / "run.sh").write_text(script)
        for architecture in job.architectures:
            task = folder / architecture / "var" / "task"
            task.mkdir(parents=True)
            shutil.copy(CHECKOUT / "build" / "supervisor" / architecture / "supervisor", task)
            shutil.copy(folder / "run.sh", task)
            shutil.copy(folder / "function.yaml", task / "function_config.yaml")
            with tarfile.open(folder / architecture / "app.tar", "w") as archive:
                archive.add(folder / architecture / "var", "var")

    def run(self, job, name, script):
        """Does the job once, from a clean start. Returns (wall s, CPU s, peak MB, new MB)."""
        self.count += 1
        word = "".join(letter if letter.isalnum() else "-" for letter in name)
        road = self.source if job.same else self.again if job.again else self.target
        repository = f"app/{job.key}-{word}" + ("" if job.again else f"-{self.count}")
        source = f"{self.source.host(job)}/base/{job.image}"
        target = f"{road.host(job)}/{repository}"
        if road is self.target:
            road.registry.wipe()
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            self.write_files(folder, job, source + ":latest",
                             f"#!/bin/sh\necho run {self.count if job.again else 0}\n")
            environment = {
                "PATH": self.path, "HOME": str(folder), "TMPDIR": str(folder),
                "XDG_RUNTIME_DIR": str(folder), "SKIFF": str(SKIFF),
                "ARCHITECTURES": " ".join(job.architectures),
                "TREE": str(self.tree), "SOURCE": source + ":latest", "TARGET": target + ":v1",
                "SOURCE_REPOSITORY": source, "TARGET_REPOSITORY": target}
            result = self.timed(["sh", "-ec", script], folder, environment)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return (*result, self.check(job, road.registry.host, repository))

    def timed(self, argv, folder, environment):
        done = subprocess.run([self.measure, "cost", *argv], cwd=folder, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=900, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip()[-500:] or f"status {done.returncode}")
        wall, cpu, peak_kib = (folder / "cost").read_text().split()
        return float(wall), float(cpu), int(peak_kib) * 1024 / 1e6

    def check(self, job, host, repository):
        """The image must be there, and have something on top of the base: so many MB."""
        made = images.get_manifest(host, repository, "v1")
        found = [images.get_manifest(host, repository, entry["digest"])
                 for entry in made.get("manifests", [])] or [made]
        if len(found) < len(job.architectures) or \
                any(len(image["layers"]) <= len(images.PROPORTIONS) for image in found):
            raise RuntimeError("the image that was made is not whole")
        return sum(layer["size"] for image in found
                   for layer in image["layers"][len(images.PROPORTIONS):]) / 1e6

    def plain_write(self, job):
        """curl putting the same layers, one after the other on one connection."""
        self.target.registry.wipe()
        host = self.target.registry.host
        manifest = images.get_manifest(self.source.registry.host, "base/large", "latest")
        manifest = images.get_manifest(self.source.registry.host, "base/large",
                                       manifest["manifests"][0]["digest"])
        words = []
        for layer in manifest["layers"]:
            path = images.open_upload(host, "app/plain", layer["digest"])
            words += ["--next"] * bool(words) + [
                "-sS", "-H", "Expect:", "-H", "Content-Type: application/octet-stream",
                "-T", str(self.layers / layer["digest"][7:]), f"http://{host}{path}"]
        return (*self.timed(["curl", *words], self.scratch, {"PATH": self.path}), 0)

    def measure_job(self, job, found):
        doers = [(name, lambda name=name, script=script: self.run(job, name, script))
                 for name, script, architectures in found
                 if architectures >= len(job.architectures)]
        if job.key == "a" and shutil.which("curl"):
            doers.append(("plain write", lambda: self.plain_write(job)))
        results = {name: [] for name, _ in doers}
        slow = set()
        for turn in range(-1, RUNS):
            for name, do in doers:
                if name not in results or (name in slow and turn >= 1):
                    continue
                try:
                    result = do()
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    print(f"  {name}: {error}")
                    del results[name]
                    continue
                if turn >= 0:
                    results[name].append(result)
                elif result[0] > SLOW_S:
                    slow.add(name)
        return results


def chosen():
    keys = os.environ.get("BENCH_JOBS", "").replace(",", " ").split()
    return [job for job in jobs() if not keys or job.key in keys]


def measure_supervisor():
    table = "".join(supervisor.table(int(os.environ.get("BENCH_EVENTS", "1000"))))
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "supervisor.md").write_text(table, encoding="utf-8")
    print(f"{table}\nwritten: {BUILD / 'supervisor.md'}", flush=True)


def main():
    keys = os.environ.get("BENCH_JOBS", "supervisor").replace(",", " ").split()
    if "supervisor" in keys:
        measure_supervisor()
    if keys == ["supervisor"] and "BENCH_JOBS" in os.environ:
        return
    # Storage in memory, where there is some: disks are not what is compared.
    if os.access("/dev/shm", os.W_OK) and \
            shutil.disk_usage("/dev/shm").free > 8 * LARGE_MB * 1000000:
        tempfile.tempdir = "/dev/shm"
    wanted = chosen()
    words = os.environ.get("BENCH_TOOLS", "").split(",")
    with tempfile.TemporaryDirectory(prefix="skiff-bench-") as scratch:
        bench = Bench(scratch)
        try:
            def here(of):
                return [tool for tool in tools.available(bench.path, of)
                        if any(word in tool[0] for word in words)]

            found = here(tools.TOOLS)
            bench.put_images({job.image for job in wanted})
            table = []
            for job in wanted:
                print(f"{job.key}: {job.title}", flush=True)
                if job.tree:
                    bench.make_tree(job)
                table.append((job, bench.measure_job(
                    job, here(tools.TREE_TOOLS) if job.tree else found)))
                print(report.table(table[-1:]), flush=True)
        finally:
            bench.stop()
    report.write(table, BUILD)
    with open(BUILD / "table.md", "a", encoding="utf-8") as file:
        file.write(f"\nskiff is {os.path.relpath(SKIFF, CHECKOUT)}, "
                   f"{SKIFF.stat().st_size / 1e6:.1f} MB.\n")
    if not os.environ.get("BENCH_JOBS"):
        with open(BUILD / "table.md", "a", encoding="utf-8") as file:
            file.writelines(["\n", *memory.table(MEMORY_MB)])
    print(f"written: {BUILD / 'table.md'} and {BUILD / 'chart.svg'}")


if __name__ == "__main__":
    sys.exit(main())
