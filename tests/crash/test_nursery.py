"""What a nursery said before it died is heard."""

from __future__ import annotations

import marshal
import socket

from localq.worker.pool.processes.forkserver import Nursery


def test_news_told_before_the_nursery_died_are_not_lost() -> None:
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mine.setblocking(False)
    nursery = Nursery(None)
    nursery._control = mine
    theirs.send(marshal.dumps(("born", 0, 41)))
    theirs.send(marshal.dumps(("died", 41, -11)))
    assert nursery.news() == [("born", 0, 41), ("died", 41, -11)]
    theirs.send(marshal.dumps(("born", 0, 42)))
    theirs.close()
    assert nursery.news() == [("born", 0, 42)]
    assert nursery.news() is None
    mine.close()
