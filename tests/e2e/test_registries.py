# SPDX-License-Identifier: Apache-2.0
"""Ways to a registry: certificates of one's own, plain http, mirrors."""

import shutil
import unittest

from tests.support import fixed_base
from tests.support.certificates import Authority
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.hostile_registry import HostileRegistry
from tests.support.http2_front import Http2Front
from tests.support.registry_server import Registry
from tests.support.skiff import SkiffTest
from tests.support.tls_proxy import TlsProxy


class RegistriesTest(SkiffTest):
    def setUp(self):
        super().setUp()
        self.base = fixed_base.make(self.folder / "base")

    def registry(self, **options):
        registry = Registry(auth=False, **options).start()
        self.addCleanup(registry.stop)
        return registry


class EncryptedTest(RegistriesTest):
    """A registry on the loopback that speaks https is reached under the name `tls.localhost`,
    for names there are asked by https: only localhost itself and addresses are not."""

    def setUp(self):
        super().setUp()
        (self.folder / "ca").mkdir()
        self.authority = Authority(self.folder / "ca", "authority")
        certificate, key = self.authority.issue("tls.localhost", "127.0.0.1")
        self.tls = {"certificate": certificate, "key": key}


class TlsTest(EncryptedTest):
    def serve(self, **more):
        port = self.registry(tls={**self.tls, **more}).host.split(":")[1]
        return f"tls.localhost:{port}"

    def certificates(self, host):
        folder = self.folder / ".config" / "containers" / "certs.d" / host
        folder.mkdir(parents=True)
        return folder

    def test_an_authority_of_ones_own(self):
        host = self.serve()
        image = f"{host}/app:1"
        self.fail_with(1, "copy", self.base, image, says=[host, "certificate", "--ca-file"])
        self.succeed("copy", self.base, image, "--ca-file", self.authority.certificate)
        self.succeed("copy", self.base, image,
                     environment={"SSL_CERT_FILE": self.authority.certificate})

    def test_what_no_authority_puts_right(self):
        for name, days, says in (("other.localhost", 2, "name"),
                                 ("tls.localhost", -1, "certificate has expired")):
            with self.subTest(name, days=days):
                certificate, key = self.authority.issue(name, days=days)
                self.tls = {"certificate": certificate, "key": key}
                line = self.fail_with(1, "inspect", f"{self.serve()}/app:1", "--ca-file",
                                      self.authority.certificate, says=says)
                self.assertNotIn("--ca-file", line)

    def test_a_file_that_is_no_authority(self):
        file = self.folder / "ca.pem"
        for content, says in (("words\n", "no certificate in it"), (None, "ca.pem"),
                              ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                               "certificate 1 in it is broken")):
            file.unlink(missing_ok=True)
            if content:
                file.write_text(content)
            self.fail_with(1, "inspect", f"{self.serve()}/app:1", "--ca-file", file, says=[says])

    def test_a_proxy_that_is_asked_by_https(self):
        certificate, key = self.authority.issue("registry.test")
        port = self.registry(tls={"certificate": certificate, "key": key}).host.split(":")[1]
        proxy = TlsProxy(**self.tls, hosts={"registry.test:443": f"127.0.0.1:{port}"}).start()
        self.addCleanup(proxy.stop)
        self.environment["https_proxy"] = f"https://tls.localhost:{proxy.port}"
        image = "registry.test/app:1"
        self.fail_with(1, "copy", self.base, image, says=["certificate"])
        self.assertEqual(proxy.asked, [])
        self.succeed("copy", self.base, image, "--ca-file", self.authority.certificate)
        self.assertEqual(set(proxy.asked), {"registry.test:443"})

    def test_an_authority_for_one_host(self):
        host, other = self.serve(), self.serve()
        shutil.copy(self.authority.certificate, self.certificates(host) / "ca.crt")
        self.succeed("copy", self.base, f"{host}/app:1")
        self.succeed("copy", f"{host}/app:1", "oci:back")
        self.fail_with(1, "copy", self.base, f"{other}/app:1", says=[other, "certificate"])

    def test_a_client_that_shows_a_certificate(self):
        clients = Authority(self.folder / "ca", "clients")
        host = self.serve(clientcas=[clients.certificate])
        folder = self.certificates(host)
        shutil.copy(self.authority.certificate, folder / "ca.crt")
        self.fail_with(1, "copy", self.base, f"{host}/app:1", says=host)

        certificate, key = clients.issue("someone")
        shutil.copy(certificate, folder / "client.cert")
        self.fail_with(1, "copy", self.base, f"{host}/app:1",
                       says=["client.cert has no key beside it", "client.key"])
        shutil.copy(key, folder / "client.key")
        self.succeed("copy", self.base, f"{host}/app:1")

    def test_a_redirect_that_leaves_encryption_is_not_followed(self):
        plain = self.registry()
        self.succeed("copy", self.base, f"{plain.host}/app:1")
        asked = len(plain.requests())

        def elsewhere(path, headers, body):
            return {":status": 307, "Location": f"http://{plain.host}{path}",
                    "Content-Length": "0"}, b""
        with HostileRegistry(self.folder / "base", elsewhere, self.tls) as registry:
            port = registry.host.split(":")[1]
            self.fail_with(1, "inspect", f"tls.localhost:{port}/app:1", "--ca-file",
                           self.authority.certificate,
                           says=f"redirected to 'http://{plain.host}/v2/app/manifests/1', which "
                                "is not safe")
        self.assertEqual(len(plain.requests()), asked)

    def test_a_host_that_speaks_no_tls(self):
        port = self.registry().host.split(":")[1]
        host = f"tls.localhost:{port}"
        self.fail_with(1, "copy", self.base, f"{host}/app:1", says=[host, "--plain-http"])
        self.succeed("copy", self.base, f"{host}/app:1", "--plain-http", host)
        self.write(".config/skiff/config.yaml", f"plain-http: ['{host}']\n")
        self.succeed("copy", self.base, f"{host}/app:2")


class ProxyTest(RegistriesTest):
    def test_who_is_asked_directly_is_said_in_the_environment(self):
        nobody = "http://127.0.0.1:1"
        for host, variables, says in [
                ("registry.test", {"https_proxy": nobody}, "127.0.0.1 port 1 "),
                ("registry.test", {"all_proxy": nobody, "no_proxy": "a, .test"}, "resolve host"),
                ("registry.test:5000", {"all_proxy": nobody, "NO_PROXY": "registry.test:5000"},
                 "resolve host"),
                ("registry.test:5001", {"all_proxy": nobody, "NO_PROXY": "registry.test:5000"},
                 "127.0.0.1 port 1 ")]:
            with self.subTest(host, **variables):
                self.fail_with(1, "--timeout", "1", "inspect", f"{host}/app", environment=variables,
                               says=says)

    def test_the_password_of_a_proxy_is_not_told(self):
        for proxy in ("http://me:secret@host:port", "gopher://me:secret@host"):
            with self.subTest(proxy):
                line = self.fail_with(1, "--timeout", "1", "inspect", "registry.test/app",
                                      environment={"https_proxy": proxy}, says="registry.test")
                self.assertNotIn("secret", line)


class Http2Test(EncryptedTest):
    """The same registry behind nginx, which speaks HTTP/2 with whoever asks for it."""

    def setUp(self):
        super().setUp()
        self.front = Http2Front(self.registry().host, **self.tls, folder=self.folder).start()
        self.addCleanup(self.front.stop)
        self.host = f"tls.localhost:{self.front.port}"
        self.environment["SSL_CERT_FILE"] = self.authority.certificate

    def test_images_go_both_ways_by_http_2(self):
        large = fixed_base.make(self.folder / "large", padding=3_000_000)
        pushed = self.json("copy", large, f"{self.host}/team/app:1")
        self.succeed("copy", f"{self.host}/team/app:1", f"{self.host}/other/app:1")
        pulled = self.json("copy", f"{self.host}/other/app:1", "oci:back")
        self.assertEqual(pulled["digest"], pushed["digest"])
        self.assertEqual(self.succeed("tags", f"{self.host}/team/app"), "1\n")
        self.fail_with(1, "copy", f"{self.host}/none/app:1", "oci:none", says="no image")

        protocols, methods, _, _ = zip(*self.front.requests())
        self.assertEqual(set(protocols), {"HTTP/2.0"})
        self.assertLessEqual({"GET", "HEAD", "POST", "PUT"}, set(methods))

    def test_a_refusal_in_the_middle_of_an_upload_is_said(self):
        large = fixed_base.make(self.folder / "large", padding=3_000_000)
        self.fail_with(1, "copy", large, f"{self.host}/small/app:1", says=["PUT", "413"])
        self.fail_with(1, "copy", f"{self.host}/small/app:1", "oci:none", says="no image")


class MirrorTest(RegistriesTest):
    def setUp(self):
        super().setUp()
        self.origin, self.mirror = self.registry(), self.registry()
        self.succeed("copy", self.base, f"{self.origin.host}/team/app:1")
        self.succeed("copy", self.base, f"{self.mirror.host}/hub/team/app:1")
        self.option = ["--mirror", f"{self.origin.host}={self.mirror.host}/hub"]
        self.before = {registry: len(registry.requests())
                       for registry in (self.origin, self.mirror)}

    def asked(self, registry):
        return registry.requests()[self.before[registry]:]

    def test_it_is_tried_first(self):
        self.succeed("copy", f"{self.origin.host}/team/app:1", "oci:out", *self.option)
        self.assertEqual(self.asked(self.origin), [])
        self.assertTrue(all(path.startswith("/v2/hub/team/app/")
                            for _, path, _ in self.asked(self.mirror)))

    def test_what_it_lacks_comes_from_the_origin(self):
        self.succeed("copy", self.base, f"{self.origin.host}/team/other:1")
        self.succeed("copy", f"{self.origin.host}/team/other:1", "oci:out", *self.option)
        self.assertIn(404, [status for _, _, status in self.asked(self.mirror)])
        self.fail_with(1, "copy", f"{self.origin.host}/team/none:1", "oci:none", *self.option,
                       says=f"no image '{self.origin.host}/team/none:1'")

    def test_one_that_is_down_is_passed_over(self):
        self.mirror.stop()
        self.succeed("copy", f"{self.origin.host}/team/app:1", "oci:out", *self.option)

    def test_what_it_begins_and_spoils_the_origin_ends(self):
        large = fixed_base.make(self.folder / "large", padding=400_000)
        origin, target = self.origin.host, self.registry().host
        pushed = self.json("copy", large, f"{origin}/team/large:1")
        self.succeed("copy", large, f"{self.mirror.host}/team/large:1")
        for kind, place in [("cut answer", f"{target}/cut:1"),
                            ("corrupt answer", f"{target}/corrupt:1"),
                            ("corrupt answer", "oci:corrupt")]:
            fault = Fault(kind, 0, times=10 ** 6, path="/blobs/")
            with self.subTest(kind, to=place), FaultProxy(self.mirror.host, fault) as mirror, \
                    FaultProxy(origin) as proxy:
                copied = self.json("copy", f"{proxy.host}/team/large:1", place,
                                   "--mirror", f"{proxy.host}={mirror.host}")
                self.assertEqual(copied["digest"], pushed["digest"])
                self.assertTrue(mirror.harmed)
                self.assertEqual(any(proxy.ranges), kind == "cut answer")

    def test_nothing_is_pushed_to_it(self):
        self.succeed("copy", self.base, f"{self.origin.host}/team/new:1", *self.option)
        self.assertEqual(self.asked(self.mirror), [])

    def test_the_configuration_file_says_it_too(self):
        self.write(".config/skiff/config.yaml", "mirrors:\n"
                   f"  '{self.origin.host}': ['127.0.0.1:1', '{self.mirror.host}/hub']\n")
        self.succeed("copy", f"{self.origin.host}/team/app:1", "oci:out")
        self.assertEqual(self.asked(self.origin), [])
        self.write("elsewhere/skiff/config.yaml", "")
        self.succeed("copy", f"{self.origin.host}/team/app:1", "oci:again",
                     environment={"XDG_CONFIG_HOME": str(self.folder / "elsewhere")})
        self.assertTrue(self.asked(self.origin))

    def test_mistakes_are_said(self):
        image = f"{self.origin.host}/team/app:1"
        for option, says in [("nothing", "is not HOST=PLACE"), ("=x/y", "is not HOST=PLACE"),
                             ("docker.io=hub", "'hub' does not begin with a host"),
                             ("docker.io=Mirror.example/Up", "Up")]:
            with self.subTest(option):
                self.fail_with(2, "copy", image, "oci:out", "--mirror", option,
                               says=["--mirror", says])
        for text, says in [("- 1", ":1:1:"), ("mirror: x", "'mirror'"), ("mirrors: 1", ":1:"),
                           ("mirrors: {docker.io: 5}", ":1:"), ("plain-http: {}", ":1:"),
                           ("mirrors: {docker.io: [a.example/x, hub]}", "'hub'")]:
            with self.subTest(text):
                self.write(".config/skiff/config.yaml", text)
                self.fail_with(2, "copy", image, "oci:out", says=["config.yaml", says])


if __name__ == "__main__":
    unittest.main()
