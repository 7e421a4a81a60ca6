"""What a fork server said before it died is heard."""

from __future__ import annotations

import marshal
import socket

from localq.worker.pool.processes.forkserver import ForkServer


def test_news_told_before_the_fork_server_died_are_not_lost() -> None:
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine.setblocking(False)
    forkserver = ForkServer(None)
    forkserver._control = mine
    theirs.send(marshal.dumps(("born", 0, 41)))
    theirs.send(marshal.dumps(("died", 41, -11)))
    assert forkserver.news() == [("born", 0, 41), ("died", 41, -11)]
    theirs.send(marshal.dumps(("born", 0, 42)))
    theirs.close()
    assert forkserver.news() == [("born", 0, 42)]
    assert forkserver.news() is None
    mine.close()
