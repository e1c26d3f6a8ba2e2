#!/usr/bin/env python3
"""The `worker` of the bus `conformance`, in Python and of its standard library only.

    participant.py DIRECTORY

connects to the coordinator that serves DIRECTORY, and stays. Written from docs/protocol.md alone, as an example of how
a participant is made in another language, and as the proof that the page is good enough for it.

What is here, from the wire to the work: `parse` and `Frames` (bytes to frames), `Pipe` (one connection after another,
and what outlives them), `Inbox` (what is remembered of every key), `Worker` (the commands themselves).
"""

import asyncio
import json
import os
import random
import secrets
import socket
import stat
import struct
import sys
import time
from collections import defaultdict, deque

BUS, NAME, FINGERPRINT = "conformance", "worker", "33781e0531f9bf1f"
MAX_FRAME, MAX_DEPTH, WINDOW = 1 << 20, 64, 64
HANDSHAKE, HEARTBEAT, MISSED = 5.0, 2.0, 5
PASSING = {"no_hello", "crowded", "lagged", "unavailable"}


class Fault(Exception):
    """The coordinator broke the rules: it is told, and not spoken to again."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class SentAway(Exception):
    """The coordinator closed the connection, and to connect again cannot help."""


class Lost(Exception):
    """The connection is no more; another one may be made."""


# The wire.


def parse(line):
    """The name and the content of a frame."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault("not_utf8", "a frame is not UTF-8") from None
    if depth(text) > MAX_DEPTH:
        raise Fault("too_deep", f"a frame nests deeper than {MAX_DEPTH} levels")
    try:
        frame = json.loads(text, object_pairs_hook=without_twins, parse_constant=no_number)
    except ValueError as error:
        raise Fault("malformed", f"a line is no frame: {error}") from None
    return only_field(frame, "malformed")


def depth(text):
    deepest = level = 0
    in_string = escaped = False
    for character in text if text.count("{") + text.count("[") > MAX_DEPTH else "":
        if escaped:
            escaped = False
        elif in_string and character == "\\":
            escaped = True
        elif character == '"':
            in_string = not in_string
        elif not in_string and character in "{[":
            level += 1
            deepest = max(deepest, level)
        elif not in_string and character in "}]":
            level -= 1
    return deepest


def without_twins(pairs):
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is given twice")
    return fields


def no_number(text):
    raise ValueError(f"{text} is no JSON")


def only_field(value, code):
    if not isinstance(value, dict) or len(value) != 1:
        raise Fault(code, "an object with one field was expected")
    return next(iter(value.items()))


def fields(content, code, *names, optional=()):
    """The values of exactly these fields."""
    if not isinstance(content, dict) or not set(names) <= set(content) <= {*names, *optional}:
        raise Fault(code, f"the fields {', '.join(names)} were expected")
    return [content.get(name) for name in (*names, *optional)]


def number(value, code="malformed"):
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise Fault(code, "a number was expected")
    return value


class Frames:
    """Makes frames of bytes, wherever they are split."""

    def __init__(self):
        self.buffer = bytearray()

    def push(self, data):
        self.buffer += data

    def __iter__(self):
        while True:
            end = self.buffer.find(b"\n")
            if (len(self.buffer) if end < 0 else end) > MAX_FRAME:
                raise Fault("too_long", f"a frame is longer than {MAX_FRAME} bytes")
            if end < 0:
                return
            line = bytes(self.buffer[:end])
            del self.buffer[: end + 1]
            yield parse(line)


# Connections, and what outlives them.


class Pipe:
    """Says what is to be said until it is acknowledged, and gives what is heard to the inbox, each once."""

    def __init__(self, directory):
        self.directory = directory
        self.inbox = None
        self.session = secrets.token_hex(8)
        self.coordinator = None
        self.received = 0  # The number of the coordinator's last message.
        self.acknowledged = 0  # The coordinator has our messages up to this one.
        self.unacknowledged = deque()  # Those after it, in order.
        self.written = 0  # The last one that was written on this connection.
        self.writer = None  # There is one while we are welcome.
        self.wait = 0.05

    def say(self, body):
        self.unacknowledged.append(body)
        self.pump()

    async def stay_connected(self):
        while True:
            try:
                await self.connect()
            except (Lost, OSError) as setback:
                print(f"{NAME}: not connected: {setback}", file=sys.stderr)
            await asyncio.sleep(self.wait * random.uniform(0.5, 1))
            self.wait = min(self.wait * 2, 2.0)

    async def connect(self):
        check_directory(self.directory)
        reader, writer = await asyncio.open_unix_connection(os.path.join(self.directory, "bus.sock"))
        try:
            check_peer(writer.get_extra_info("socket"))
            await self.converse(reader, writer)
        except Fault as fault:
            put(writer, "error", {"code": fault.code, "message": str(fault)})
            raise SentAway(f"the coordinator does not keep to the protocol: {fault}") from fault
        finally:
            self.writer = None
            writer.close()

    async def converse(self, reader, writer):
        put(writer, "hello", self.hello())
        frames, heard, welcomed = Frames(), time.monotonic(), time.monotonic() + HANDSHAKE
        beat = time.monotonic() + HEARTBEAT
        while True:
            until = beat if self.writer else welcomed
            try:
                data = await asyncio.wait_for(reader.read(1 << 16), max(0, until - time.monotonic()))
            except asyncio.TimeoutError:
                if not self.writer:
                    raise Lost("no welcome came in time") from None
                if time.monotonic() - heard > HEARTBEAT * MISSED:
                    raise Lost("nothing was heard for too long") from None
                put(writer, "ping", {})
                beat = time.monotonic() + HEARTBEAT
                continue
            if not data:
                raise Lost("the connection was closed")
            heard = time.monotonic()
            frames.push(data)
            received = self.received
            for name, content in frames:
                self.take(writer, name, content)
            if self.writer and self.received > received:
                put(writer, "ack", self.received)

    def hello(self):
        hello = {
            "protocol": 1,
            "role": "participant",
            "participant": NAME,
            "bus": BUS,
            "fingerprint": FINGERPRINT,
            "session": self.session,
            "memory": "volatile",
            "acknowledged": self.acknowledged,
            "sent": self.acknowledged + len(self.unacknowledged),
            "max_frame": MAX_FRAME,
        }
        if self.coordinator:
            hello["received"] = {"session": self.coordinator, "number": self.received}
        return hello

    def take(self, writer, name, content):
        if name == "error":
            code, message = fields(content, "malformed", "code", "message")
            raise (Lost if code in PASSING else SentAway)(message)
        if name == "ping":
            fields(content, "malformed")
            put(writer, "pong", {})
        elif name == "pong":
            fields(content, "malformed")
        elif name == "welcome" and not self.writer:
            self.welcome(writer, content)
        elif name == "message" and self.writer:
            self.message(*fields(content, "malformed", "number", "body"))
        elif name == "ack" and self.writer:
            self.acknowledge(number(content))
        elif name in {"hello", "welcome", "message", "ack", "snapshot", "notice"}:
            raise Fault("unexpected", f"`{name}` is not expected here")
        else:
            raise Fault("malformed", f"there is no frame `{name}`")

    def welcome(self, writer, welcome):
        if not isinstance(welcome, dict) or welcome.get("protocol") != 1:
            raise Fault("other_protocol", "this process speaks protocol 1")
        if (welcome.get("bus"), welcome.get("fingerprint")) != (BUS, FINGERPRINT):
            raise Fault("other_bus", f"`{NAME}` speaks bus `{BUS}` ({FINGERPRINT})")
        if number(welcome.get("max_frame")) < MAX_FRAME:
            raise Fault("too_long", f"`{NAME}` says frames of up to {MAX_FRAME} bytes")
        session = welcome.get("session")
        if not welcome.get("resumed"):
            self.received = 0
        elif session != self.coordinator:
            raise Fault("sequence", "a session cannot be resumed that was never begun")
        self.coordinator = session
        self.written = self.acknowledged + len(self.unacknowledged)
        self.acknowledge(number(welcome.get("received")))
        self.written = self.acknowledged
        self.writer = writer
        self.wait = 0.05
        self.pump()

    def acknowledge(self, upto):
        if upto > self.written:
            raise Fault("sequence", f"message {upto} was acknowledged, and the last one sent was {self.written}")
        while self.acknowledged < upto:
            self.unacknowledged.popleft()
            self.acknowledged += 1
        self.pump()

    def pump(self):
        """Writes what may be written."""
        last = self.acknowledged + min(WINDOW, len(self.unacknowledged))
        while self.writer and self.written < last:
            body = self.unacknowledged[self.written - self.acknowledged]
            self.written += 1
            put(self.writer, "message", {"number": self.written, "body": body})

    def message(self, count, body):
        name, content = only_field(body, "bad_message")
        if not 0 < number(count) <= self.received + 1:
            raise Fault("sequence", f"message {count} came where {self.received + 1} was expected")
        if count <= self.received:
            return
        if name == "command":
            names = ("key", "attempt", "saga", "step", "horizon", "command")
            key, attempt, _, _, horizon, command = fields(content, "bad_message", *names)
            self.inbox.command(key, number(attempt, "bad_message"), *horizon_of(horizon), command)
        elif name == "settle":
            key, horizon = fields(content, "bad_message", "key", "horizon")
            self.inbox.settle(key, *horizon_of(horizon))
        elif name == "withdrawn":
            (key,) = fields(content, "bad_message", "key")
            self.inbox.withdraw(key)
        else:
            raise Fault("bad_message", f"there is no message `{name}`")
        self.received = count


def horizon_of(value):
    lowest, older = fields(value, "bad_message", "lowest", optional=("older",))
    return number(lowest, "bad_message"), {number(saga, "bad_message") for saga in older or ()}


def put(writer, name, content):
    """A frame is written whole or, if the connection breaks, is the last one."""
    if not writer.is_closing():
        writer.write(json.dumps({name: content}, separators=(",", ":")).encode() + b"\n")


def check_directory(directory):
    status = os.lstat(directory)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise SentAway(f"{directory} is no directory of your own that is closed to others")


def check_peer(connection):
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    if user != os.geteuid():
        raise SentAway("the process that serves the bus belongs to another user")


# What is remembered.


class Exchange:
    """What became of one key."""

    def __init__(self, state):
        self.state = state  # waiting, running, handled, refused, broken or barred
        self.latest = 0
        self.answer = None
        self.unclear = False


class Inbox:
    """Decides what is done, in which order, and what is answered from memory."""

    def __init__(self, say, worker):
        self.say, self.worker = say, worker
        self.exchanges = {}
        self.horizons = defaultdict(lambda: (0, set()))
        self.lanes = {}  # What waits for its turn, of each saga that is at work.
        self.tasks = set()

    def command(self, key, attempt, lowest, older, command):
        self.forget(key, lowest, older)
        if self.has_expired(key):
            return
        name, arguments = only_field(command, "bad_message")
        if name == "Look":
            self.enqueue(key, (attempt, name, arguments))
            return
        exchange = self.exchanges.setdefault(key, Exchange("new"))
        newer, exchange.latest = attempt > exchange.latest, max(attempt, exchange.latest)
        if exchange.state == "new" or (newer and exchange.state in ("refused", "broken")):
            exchange.state = "waiting"
            self.enqueue(key, (None, name, arguments))
        elif exchange.state in ("handled", "refused", "broken"):
            self.say_answer(key, exchange.latest, exchange.answer)

    def settle(self, key, lowest, older):
        self.forget(key, lowest, older)
        if self.has_expired(key):
            return
        exchange = self.exchanges.setdefault(key, Exchange("barred"))
        if exchange.state == "running":
            fate = "running"
        elif exchange.state == "handled":
            fate = {"done": exchange.answer["handled"]}
        else:
            exchange.state = "barred"
            fate = "unknown" if exchange.unclear else "never"
        self.say({"fate": {"key": key, "fate": fate}})

    def withdraw(self, key):
        exchange = self.exchanges.get(key)
        if exchange and exchange.state == "waiting":
            del self.exchanges[key]

    def enqueue(self, key, order):
        """The commands of one saga are begun one after the other."""
        saga = owner(key)
        if saga in self.lanes:
            self.lanes[saga].append((key, order))
            return
        self.lanes[saga] = deque([(key, order)])
        task = asyncio.get_running_loop().create_task(self.work_off(saga))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def work_off(self, saga):
        lane = self.lanes[saga]
        while lane:
            key, (query, name, arguments) = lane.popleft()
            exchange = self.exchanges.get(key)
            if query is not None:
                self.say_answer(key, query, await self.worker.do(key, query, name, arguments))
            elif exchange and exchange.state == "waiting":
                exchange.state = "running"
                answer = await self.worker.do(key, exchange.latest, name, arguments)
                if answer:
                    self.answer(key, answer)
        del self.lanes[saga]

    def answer(self, key, answer):
        exchange = self.exchanges[key]
        (exchange.state,) = answer
        exchange.answer = answer
        exchange.unclear |= exchange.state == "broken"
        self.say_answer(key, exchange.latest, answer)
        if self.has_expired(key):
            del self.exchanges[key]

    def say_answer(self, key, attempt, answer):
        self.say({"answered": {"key": key, "attempt": attempt, "answer": answer}})

    def has_expired(self, key):
        log, saga = owner(key)
        lowest, older = self.horizons[log]
        return saga < lowest and saga not in older

    def forget(self, key, lowest, older):
        log, _ = owner(key)
        if lowest >= self.horizons[log][0] and (lowest, older) != self.horizons[log]:
            self.horizons[log] = lowest, older
            self.exchanges = {
                key: exchange
                for key, exchange in self.exchanges.items()
                if exchange.state == "running" or not self.has_expired(key)
            }


def owner(key):
    """The log and the saga of a key."""
    parts = key.split("/") if isinstance(key, str) else ()
    if len(parts) != 5 or not parts[1].isdecimal():
        raise Fault("bad_message", "a key is `log/saga/step/item/mode`")
    return parts[0], int(parts[1])


# The work.


class Worker:
    """Does what the bus `conformance` asks for."""

    def __init__(self):
        self.runs = 0
        self.deferred = defaultdict(list)
        self.publish = self.answer = None

    async def do(self, key, attempt, name, arguments):
        """The answer; none if it is left for later."""
        label = arguments["label"]
        if name == "Look":
            return {"handled": [{"Seen": {"label": label, "runs": self.runs}}]}
        if name == "Break":
            return {"broken": "as it was told to"}
        if name == "WorkLater" and attempt == 1:
            return {"refused": "NotYet"}
        self.runs += 1
        done = {"Done": {"label": label, "runs": self.runs}}
        announced = {"Announced": {"label": label}}
        if name == "WorkSlowly":
            await asyncio.sleep(arguments["milliseconds"] / 1000)
        elif name == "Defer":
            self.deferred[label].append((key, {"handled": [done]}))
            return None
        elif name == "Release":
            for waiting, answer in self.deferred.pop(label, ()):
                self.answer(waiting, answer)
        elif name == "Announce":
            self.publish({"published": announced})
        elif name == "Recite":
            return {"handled": [announced, done]}
        elif name not in ("Work", "WorkLater"):
            return {"broken": f"there is no command `{name}`"}
        return {"handled": [done]}


async def main(directory):
    pipe, worker = Pipe(directory), Worker()
    pipe.inbox = Inbox(pipe.say, worker)
    worker.publish, worker.answer = pipe.say, pipe.inbox.answer
    try:
        await pipe.stay_connected()
    except SentAway as reason:
        # What was written last, the error, has left by now: a transport writes at once what the socket takes.
        sys.exit(f"{NAME}: {reason}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: participant.py DIRECTORY")
    asyncio.run(main(sys.argv[1]))
