"""Lets a real Prometheus scrape a running proxy, and promtool judge the rules and what is exposed.

Arguments: the admin listener (host:port), the directory of deploy/prometheus. Exits non-zero with the reason.
"""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

PATIENCE_SECONDS = 180


def promtool(*arguments, **options):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=180, **options)
    if done.returncode != 0:
        sys.exit(f"promtool {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def query(base, expression):
    answer = json.loads(get(f"{base}/api/v1/query?query={urllib.parse.quote(expression)}"))
    return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]


def eventually(what, look):
    deadline = time.monotonic() + PATIENCE_SECONDS
    last = None
    while time.monotonic() < deadline:
        try:
            last = look()
            if last:
                return last
        except OSError as error:
            last = error
        time.sleep(0.2)
    sys.exit(f"not within {PATIENCE_SECONDS} s: {what}: {last}")


def main(admin, deploy):
    deploy = pathlib.Path(deploy)
    promtool("check", "rules", str(deploy / "alerts.yml"))
    promtool("test", "rules", str(pathlib.Path(__file__).with_name("alerts.test.yml")))
    promtool("check", "config", str(deploy / "scrape.yml"))
    promtool("check", "metrics", input=get(f"http://{admin}/metrics"))
    scrape = (deploy / "scrape.yml").read_text()
    assert "127.0.0.1:9901" in scrape and "scrape_interval: 15s" in scrape, "the scrape config has changed"
    scrape = scrape.replace("127.0.0.1:9901", admin).replace("scrape_interval: 15s", "scrape_interval: 1s")
    scrape = scrape.replace("alerts.yml", str((deploy / "alerts.yml").resolve()))
    with tempfile.TemporaryDirectory() as home:
        config = pathlib.Path(home, "prometheus.yml")
        config.write_text(scrape)
        port = free_port()
        server = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={home}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ]
        )
        try:
            base = f"http://127.0.0.1:{port}"
            eventually("up", lambda: [1 for _, value in query(base, 'up{job="crossfade"}') if value == 1])
            served = 'sum(crossfade_requests_total{route="support",side="primary",status_class="2xx"})'
            answered = eventually("requests seen", lambda: [v for _, v in query(base, served) if v > 0])
            seen = query(base, "sum by (route) (crossfade_eligible_total)")
            parts = query(
                base,
                "sum by (route) (crossfade_compared_total) + sum by (route) (crossfade_mirror_skipped_total)"
                " + sum by (route) (crossfade_mirror_in_flight)",
            )
            assert sorted(v for _, v in seen) == sorted(v for _, v in parts), (seen, parts)
            rules = json.loads(get(f"{base}/api/v1/rules"))["data"]["groups"]
            broken = [rule for group in rules for rule in group["rules"] if rule["health"] == "err"]
            assert rules and not broken, broken
            print(f"scraped: {answered[0]:.0f} answers of the primary, {len(rules)} groups of rules")
        finally:
            server.terminate()
            server.wait(timeout=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
