"""Finding and running the program tandem."""

import os
import shutil
import subprocess
import sys
import tempfile

__all__ = ["DataError", "Program", "TandemError"]


class TandemError(RuntimeError):
    """The program rejects what it is asked for, or fails.

    message says why, hint what to do about it ("" if there is nothing to say), and code is the
    program's exit code: 1 failed, 2 wrong usage, None where it could not be run.
    """

    def __init__(self, message, hint="", code=None):
        super().__init__(message, hint, code)
        self.message, self.hint, self.code = message, hint, code

    def __str__(self):
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class DataError(TandemError, ValueError):
    """The program rejects the examples."""


class Program:
    """The program tandem.

    binary is its path; None: the environment variable TANDEM, or else tandem on the PATH.
    threads is how many threads it has; None: one a core. verbose shows its progress.
    """

    def __init__(self, binary=None, threads=1, verbose=False):
        self.binary, self.threads, self.verbose = binary, threads, verbose

    def path(self):
        """Return the path of the program. It raises a TandemError where there is none."""
        name = self.binary or os.environ.get("TANDEM") or "tandem"
        found = shutil.which(os.fspath(name))
        if found is None:
            raise TandemError(
                f"there is no program {os.fspath(name)}",
                "give its path as binary=PATH or in the environment variable TANDEM, or put tandem on the PATH",
            )
        return os.path.abspath(found)

    def run(self, folder, verb, *args):
        """Run a command, and return what it prints and the warnings among that.

        folder is a temporary one, which is left out of messages.
        """
        command = [self.path(), verb, *map(str, args)]
        environment = dict(os.environ)
        if self.threads is not None:
            environment["GOMAXPROCS"] = str(self.threads)  # for commands without the flag, too
            if verb not in ("export", "sample"):
                command += ["--threads", str(self.threads)]
        if not self.verbose and verb != "export":
            command.append("--quiet")
        with tempfile.TemporaryFile(dir=folder) as out:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, env=environment
                )
            except OSError as error:
                raise TandemError(f"{command[0]} does not run: {error}") from error
            said = self._listen(process)
            out.seek(0)
            printed = out.read().decode("utf-8", "replace")
        said = [_short(line, folder) for line in said]
        if process.returncode != 0:
            raise _error(verb, process.returncode, said)
        return printed, _warnings(printed, said)

    def _listen(self, process):
        """Return the lines that a process writes to stderr until it ends."""
        lines = []
        try:
            with process.stderr:
                for line in process.stderr:
                    lines.append(line.decode("utf-8", "replace").rstrip())
                    if self.verbose:
                        print(lines[-1], file=sys.stderr, flush=True)
            process.wait()
        except BaseException:  # such as Ctrl-C: the program must not outlive its folder
            process.terminate()
            process.wait()
            raise
        return lines


def _short(line, folder):
    """Return a line without the names of temporary files."""
    return line.replace(os.path.join(folder, "x.npz:X"), "X").replace(folder + os.sep, "")


def _error(verb, code, said):
    """Return the error that the lines of a program which failed are about."""
    message, hint = [], ""
    for line in said:
        if line.startswith("tandem: hint: "):
            hint = line[len("tandem: hint: "):]
        elif line.startswith("tandem: "):
            message = [line[len("tandem: "):]]  # the last one says why
        else:
            message.append(line)
    text = "\n".join(message)
    if text.startswith(verb + ": "):
        text = text[len(verb) + 2:]
    if code < 0 and not text:
        text = f"signal {-code} has ended tandem {verb}"
    return TandemError(text or f"tandem {verb} has failed with exit code {code}", hint, code)


def _warnings(printed, said):
    """Return the warnings among the lines of stdout and of stderr."""
    found = [line[len("tandem: warning: "):] for line in said if line.startswith("tandem: warning: ")]
    return found + [line[len("warning"):].strip() for line in printed.splitlines() if line.startswith("warning ")]
