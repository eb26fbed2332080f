# SPDX-License-Identifier: Apache-2.0
"""Who we are: logins of every kind against registries that check them, and no secret in any
output, whatever goes wrong."""

import base64
import json
import os
import pty
import signal
import stat
import subprocess
import termios
import time

from tests.support import fixed_base
from tests.support.registry_server import Registry
from tests.support.skiff import PROGRAM, SkiffTest
from tests.support.token_server import TokenRegistry

PASSWORD = "a-very-secret-password"
IDENTITY = "a-very-secret-identity"

# Keeps one login in a file beside it, as docker-credential-helpers do.
HELPER = """\
#!/bin/sh
kept=${0%/*}/kept
case $1 in
store) cat > "$kept" ;;
get)
    read server
    echo "$server" >> "${0%/*}/asked"
    [ -f "$kept" ] || { echo "credentials not found in native keychain"; exit 1; }
    cat "$kept" ;;
erase) rm -f "$kept" ;;
esac
"""


class LoginTest(SkiffTest):
    def setUp(self):
        super().setUp()
        fixed_base.make(self.folder / "base")
        self.secrets = {PASSWORD, IDENTITY, base64.b64encode(f"me:{PASSWORD}".encode()).decode()}

    def skiff(self, *words, **options):
        """As ever; and no secret is told. `typed` comes from stdin."""
        typed = options.pop("typed", "")
        environment = {**self.environment, **options.pop("environment", {})}
        done = subprocess.run([PROGRAM, *map(str, words)], env=environment, text=True,
                              capture_output=True, input=typed, timeout=300, check=False,
                              cwd=self.folder, **options)
        for secret in self.secrets:
            self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertEqual(list((self.folder / "tmp").iterdir()), [], done.stderr)
        return done

    def open(self, context):
        """Enters a registry for as long as the test runs."""
        server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return server

    def token_registry(self, **options):
        registry = self.open(TokenRegistry({"me": PASSWORD}, {IDENTITY: "me"}, **options))
        self.secrets = registry.secrets | self.secrets
        registry.secrets = self.secrets
        return registry

    def config(self, content, name=".docker/config.json"):
        return self.write(name, json.dumps(content))

    def read_config(self):
        return json.loads((self.folder / ".docker/config.json").read_text())

    def log_in(self, registry, password=PASSWORD):
        return self.skiff("login", registry.host, "-u", "me", "--password-stdin",
                          typed=f"{password}\n")

    def test_a_login_is_checked_written_and_used(self):
        registry = self.open(Registry(user="me", password=PASSWORD))
        target = f"{registry.host}/team/app"
        self.fail_with(1, "copy", "oci:base", target, says=[
            "wants a login and none was found", f"skiff login {registry.host}"])

        done = self.log_in(registry)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.folder / ".docker/config.json"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        auth = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
        self.assertEqual(self.read_config(), {"auths": {registry.host: {"auth": auth}}})
        self.succeed("copy", "oci:base", target)
        subprocess.run(["skopeo", "inspect", "--tls-verify=false", f"docker://{target}"],
                       env={**self.environment, "REGISTRY_AUTH_FILE": str(path)}, check=True,
                       capture_output=True)

        self.assertIn("login removed", self.succeed("logout", registry.host))
        self.assertEqual(self.read_config(), {"auths": {}})
        self.assertIn("no login", self.succeed("logout", registry.host))
        self.fail_with(1, "inspect", target, says="wants a login")

    def test_a_wrong_login_is_not_written(self):
        basic = self.open(Registry(user="me", password="another"))
        for registry in basic, self.token_registry():
            done = self.log_in(registry, PASSWORD + "x")
            self.assertEqual(done.returncode, 1)
            self.assertIn("refused the login of user 'me'", done.stderr)
        self.assertFalse((self.folder / ".docker").exists())

    def test_what_else_docker_wrote_stays(self):
        registry = self.open(Registry(user="me", password=PASSWORD))
        before = {"psFormat": "{{.ID}}", "auths": {"quay.io": {"auth": "dTpw"}}}
        self.config(before)
        self.assertEqual(self.log_in(registry).returncode, 0)
        after = self.read_config()
        self.assertEqual(after["auths"].pop(registry.host).keys(), {"auth"})
        self.assertEqual(after, before)

    def test_wrong_words(self):
        for words, typed, says in [
                (["login", "quay.io"], "", "no terminal to ask"),
                (["login", "quay.io", "-u", "me"], "", "give --password-stdin"),
                (["login", "quay.io", "--password-stdin"], PASSWORD, "needs --username"),
                (["login", "quay.io", "-u", "me", "--password-stdin"], "", "stdin is empty"),
                (["login", "quay.io", "-u", "me", "--password-stdin"], f"{PASSWORD}\nb",
                 "more than one line"),
                (["login", "quay.io/team", "-u", "me", "--password-stdin"], PASSWORD,
                 "no registry's host"),
                (["login", "registry", "-u", "me", "--password-stdin"], PASSWORD,
                 "no registry's host"),
                (["copy", "oci:base", "oci:there", "-u", "me", "--password-stdin"], PASSWORD,
                 "--username is for a registry"),
                (["build", "-i", "oci:base", "-s", "x.sh", "--to", "localhost:1/a", "--to",
                  "localhost:2/a", "-u", "me", "--password-stdin"], PASSWORD,
                 "localhost:1 and localhost:2")]:
            with self.subTest(words):
                self.write("x.sh", "#!/bin/sh\n")
                self.fail_with(2, *words, typed=typed, says=says)
        self.fail_with(1, "login", "quay.io", "-u", "m:e", "--password-stdin", typed=PASSWORD,
                       says="has a colon")

    def test_a_login_with_the_command(self):
        registry = self.token_registry()
        me = ["-u", "me", "--password-stdin"]
        target = f"{registry.host}/team/app"
        self.write("x.sh", "#!/bin/sh\n")
        self.succeed("copy", "oci:base", target, *me, typed=f"{PASSWORD}\r\n")
        self.succeed("inspect", target, *me, typed=PASSWORD)
        self.succeed("build", "-i", target, "-s", "x.sh", "--to", "oci:out", *me, typed=PASSWORD)
        self.succeed("build", "-i", "oci:base", "-s", "x.sh", "--to", f"{target}:2", *me,
                     typed=PASSWORD)
        self.assertEqual(self.succeed("tags", target, *me, typed=PASSWORD), "2\nlatest\n")
        for name in ("one", "two"):
            self.succeed("--local", "init", "-i", target, "-n", name, "-s", "x.sh", *me,
                         typed=PASSWORD)
        self.fail_with(1, "inspect", target, *me, typed=PASSWORD + "x",
                       says="refused the login of user 'me'")
        self.assertFalse((self.folder / ".docker").exists())

    def test_a_login_for_the_bases_of_a_whole_file(self):
        def file_of(*images):
            self.write("x.sh", "#!/bin/sh\n")
            lambdas = [{"lambda": {"name": f"f{number}", "init_script": "x.sh",
                                   "container": {"image": image}}}
                       for number, image in enumerate(images)]
            return self.write("f.yaml", json.dumps({"functions": {"aws": lambdas}}))

        registry = self.token_registry()
        target = f"{registry.host}/team/app"
        me = ["-u", "me", "--password-stdin"]
        self.succeed("copy", "oci:base", target, *me, typed=PASSWORD)
        self.succeed("--local", "init", "-f", file_of(target, target), *me, typed=PASSWORD)
        self.succeed("--local", "rm", "-n", "f0")
        self.succeed("--local", "rm", "-n", "f1")
        self.fail_with(1, "--local", "init", "-f", file_of(target), says="wants a login")
        self.fail_with(2, "--local", "init", "-f", file_of(target, "other.example/app"), *me,
                       typed=PASSWORD, says="use 'skiff login'")
        self.fail_with(2, "--local", "init", "-f", file_of("oci:base"), *me, typed=PASSWORD,
                       says="--username is for a registry")

    def test_a_password_is_for_one_registry_only(self):
        source = self.open(Registry(user="me", password=PASSWORD))
        target = self.token_registry()
        self.succeed("copy", "oci:base", f"{source.host}/base", "-u", "me", "--password-stdin",
                     typed=PASSWORD)
        self.fail_with(1, "copy", f"{source.host}/base", f"{target.host}/team/app", "-u", "me",
                       "--password-stdin", typed=PASSWORD,
                       says=f"registry {source.host} wants a login")

    def test_tokens_are_asked_for_once_per_scope(self):
        registry = self.token_registry()
        self.assertEqual(self.log_in(registry).returncode, 0)
        self.assertEqual(registry.asked, [("GET", "me", [])])
        registry.asked.clear()
        self.succeed("copy", "oci:base", f"{registry.host}/public/app")
        self.assertEqual(registry.asked, [("GET", "me", ["repository:public/app:pull,push"])])

        self.succeed("logout", registry.host)
        registry.asked.clear()
        self.succeed("inspect", f"{registry.host}/public/app")
        self.assertEqual(registry.asked, [("GET", None, ["repository:public/app:pull"])])
        self.fail_with(1, "copy", "oci:base", f"{registry.host}/public/app:2",
                       says="wants a login and none was found")

    def test_a_token_that_runs_out_in_the_middle_is_renewed(self):
        registry = self.token_registry()
        self.assertEqual(self.log_in(registry).returncode, 0)
        registry.asked.clear()
        registry.expire("PUT", "/manifests/")
        self.succeed("copy", "oci:base", f"{registry.host}/team/app")
        # Requests under way notice together, and the first of them renews for all.
        self.assertRegex("\n".join(registry.refused), "PUT /v2/team/app/manifests/")
        self.assertEqual(len(registry.asked), 2)

        # In the middle of an upload, which is begun again.
        registry.asked.clear()
        registry.expire("PUT", "/blobs/uploads/")
        large = fixed_base.make(self.folder / "large", padding=3_000_000)
        self.succeed("copy", large, f"{registry.host}/team/large")
        self.assertRegex("\n".join(registry.refused), "PUT /v2/team/large/blobs/uploads/")
        self.assertEqual(len(registry.asked), 2)
        self.succeed("copy", f"{registry.host}/team/large", "oci:large-back")

        registry.asked.clear()
        registry.expire("GET", "/blobs/")
        self.succeed("copy", f"{registry.host}/team/app", "oci:back")
        self.assertRegex("\n".join(registry.refused), "GET /v2/team/app/blobs/")
        self.assertEqual(len(registry.asked), 2)

    def test_identity_tokens_and_paths(self):
        registry = self.token_registry()
        self.config({"auths": {
            registry.host: {"auth": base64.b64encode(b"me:").decode(), "identitytoken": IDENTITY},
            f"{registry.host}/team": {"username": "me", "password": PASSWORD}}})
        self.succeed("copy", "oci:base", f"{registry.host}/team/app")
        self.succeed("copy", "oci:base", f"{registry.host}/other/app")
        self.assertEqual(registry.asked, [
            ("GET", "me", ["repository:team/app:pull,push"]),
            ("refresh_token", "me", ["repository:other/app:pull,push"])])

        self.config({"auths": {registry.host: {"identitytoken": IDENTITY + "x"}}})
        self.fail_with(1, "inspect", f"{registry.host}/team/app",
                       says="refused the login of the identity token")

    def test_a_server_that_repeats_secrets_is_not_quoted(self):
        registry = self.token_registry()
        registry.echo = True
        wrong = PASSWORD + "x"
        self.secrets.update([wrong, IDENTITY + "x"])
        self.assertEqual(self.log_in(registry, wrong).returncode, 1)
        for entry in [{"identitytoken": IDENTITY + "x"}, {"username": "me", "password": wrong},
                      {"registrytoken": IDENTITY}]:
            self.config({"auths": {registry.host: entry}})
            self.fail_with(1, "copy", "oci:base", f"{registry.host}/team/app",
                           says="refused the login of")
        self.config({"auths": {}})
        self.fail_with(1, "copy", "oci:base", f"{registry.host}/team/app", says="wants a login")

    def helper(self, text=HELPER):
        self.write("bin/docker-credential-x", text, 0o755)
        self.environment["PATH"] = f"{self.folder}/bin:{os.environ['PATH']}"

    def test_helpers_keep_logins(self):
        registry = self.token_registry()
        self.helper()
        for config in {"credsStore": "x"}, {"credHelpers": {registry.host: "x"}}:
            with self.subTest(config):
                self.config(config)
                self.fail_with(1, "copy", "oci:base", f"{registry.host}/team/app",
                               says="wants a login")
                self.assertIn("docker-credential-x", self.log_in(registry).stdout)
                self.assertEqual(self.read_config(), {**config, "auths": {registry.host: {}}})
                self.assertEqual(json.loads((self.folder / "bin/kept").read_text()), {
                    "ServerURL": registry.host, "Username": "me", "Secret": PASSWORD})
                self.succeed("copy", "oci:base", f"{registry.host}/team/app")
                self.succeed("logout", registry.host)
                self.assertFalse((self.folder / "bin/kept").exists())
        self.write("bin/kept", json.dumps({"Username": "<token>", "Secret": IDENTITY}))
        self.succeed("inspect", f"{registry.host}/team/app")
        self.assertEqual(registry.asked[-1][0], "refresh_token")
        asked = set((self.folder / "bin/asked").read_text().splitlines())
        self.assertEqual(asked, {registry.host})

    def test_helpers_that_fail_are_named(self):
        registry = self.token_registry()
        self.config({"credsStore": "x"})
        image = f"{registry.host}/team/app"
        self.fail_with(1, "inspect", image, says=[
            "config.json", "docker-credential-x, which is not in PATH"])
        answer = json.dumps({"Username": "me", "Secret": PASSWORD})
        for script, says in [
                ("echo the keyring is locked; exit 1", "status 1: the keyring is locked"),
                (f"echo '{answer}'; exit 1", "status 1; run it by hand"),
                (f"echo '{answer}' >&2; exit 1", "status 1; run it by hand"),
                (f"echo '{answer}{answer}'", "answer of docker-credential-x"),
                (f"yes '{answer}'", "it says more than"),
                (f"echo 'cannot keep {PASSWORD}'; exit 1", "status 1")]:
            with self.subTest(script):
                self.helper(f"#!/bin/sh\n[ $1 = store ] || {{ {script}\n}}\n")
                if "cannot keep" not in script:
                    self.fail_with(1, "inspect", image, says=says)
        self.helper(f"#!/bin/sh\necho 'cannot keep {PASSWORD}'; exit 1\n")
        done = self.log_in(registry)
        self.assertEqual(done.returncode, 1)
        self.assertIn("store ended with status 1", done.stderr)

    def type_at_terminal(self, *words, keys):
        """Runs the command on a terminal, types when asked: what was shown, the exit status,
        and whether the terminal shows what is typed again."""
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        self.addCleanup(os.close, follower)
        # Whoever runs the tests in the background has them ignore Ctrl-C, and would the program.
        program = subprocess.Popen(
            [PROGRAM, *words], stdin=follower, stdout=follower, stderr=follower,
            cwd=self.folder, env=self.environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        shown = b""
        for question, key in keys:
            deadline = time.monotonic() + 20
            while question not in shown and time.monotonic() < deadline:
                shown += os.read(leader, 4096)
            if key is None:
                program.send_signal(signal.SIGINT)
            else:
                os.write(leader, key.encode() + b"\n")
        status = program.wait(timeout=60)
        os.set_blocking(leader, False)
        try:
            while part := os.read(leader, 4096):
                shown += part
        except OSError:
            pass
        echoes = bool(termios.tcgetattr(follower)[3] & termios.ECHO)
        return shown.decode(), status, echoes

    def test_passwords_are_typed_unseen(self):
        registry = self.open(Registry(user="me", password=PASSWORD))
        shown, status, echoes = self.type_at_terminal(
            "login", registry.host, keys=[(b"Username: ", "me"), (b"Password: ", PASSWORD)])
        self.assertEqual(status, 0, shown)
        self.assertIn("logged in as me", shown)
        self.assertNotIn(PASSWORD, shown)
        self.assertTrue(echoes)
        shown, status, echoes = self.type_at_terminal(
            "login", registry.host, "-u", "me", keys=[(b"Password: ", None)])
        self.assertEqual(status, -signal.SIGINT)
        self.assertTrue(echoes)
