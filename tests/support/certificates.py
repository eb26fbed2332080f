# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made by the openssl command."""

import subprocess


class Authority:
    """An authority of our own: `certificate` is the file to trust."""

    def __init__(self, folder, name):
        self.folder = folder
        self.certificate = str(folder / f"{name}.crt")
        self._key = str(folder / f"{name}.key")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self._key,
                      "-out", self.certificate)

    def issue(self, name, address=None, days=2):
        """A certificate and its key, (FILE, FILE); of a server when it has an address. It ends in
        so many days; -1: it has ended."""
        certificate, key = (str(self.folder / f"{name}.{end}") for end in ("cert", "key"))
        request = str(self.folder / f"{name}.csr")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{name}" + (f",IP:{address}" if address else ""))
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key,
                      "-CAcreateserial", "-days", str(days), "-extfile", str(extensions), "-out",
                      certificate)
        return certificate, key

    @staticmethod
    def _openssl(*words):
        done = subprocess.run(["openssl", *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {words[0]} failed:\n{done.stdout}")
