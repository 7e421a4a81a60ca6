"""The same window with Qt: pip install PySide6-Essentials, then python in_qt.py."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from jobs import add, earlier, q
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

import localq
from localq import AsyncResult


class Calls(QObject):
    """Calls functions in the thread it was made in, whichever emits the signal."""

    put = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.put.connect(self.call)

    def call(self, function: Callable[[], Any]) -> None:
        function()


class Archiver(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Archiver")
        self.calls = Calls()
        self.stopped = False
        self.rows = QTreeWidget()
        self.rows.setHeaderLabels(["Archive", "State", ""])
        self.items: dict[str, QTreeWidgetItem] = {}
        layout = QVBoxLayout(self)
        layout.addWidget(self.rows)
        for text, clicked in (("Pack a folder...", self.ask), ("Cancel", self.cancel)):
            button = QPushButton(text)
            button.clicked.connect(clicked)
            layout.addWidget(button)
        for name, job in earlier():
            self.show_job(name, job)

    def ask(self) -> None:
        if folder := QFileDialog.getExistingDirectory(self):
            self.show_job(*add(folder))

    def show_job(self, name: str, job: AsyncResult[str]) -> None:
        self.items[job.id] = QTreeWidgetItem(self.rows, [name, job.state, ""])
        self.items[job.id].setText(3, job.id)
        job.on_progress(
            lambda at: self.tell(job, f"{at['done']} of {at['total']}: {at['message']}"), deliver=self.calls.put.emit
        )
        job.on_done(lambda done: self.tell(done, str(done.result)), deliver=self.calls.put.emit)

    def tell(self, job: AsyncResult[str], what: str) -> None:
        self.items[job.id].setText(1, job.state)
        self.items[job.id].setText(2, what)

    def cancel(self) -> None:
        for item in self.rows.selectedItems():
            q.AsyncResult(item.text(3)).revoke(terminate=True)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Go out of sight at once, and end when what runs has ended, or was put back after two seconds."""
        if not self.stopped:
            event.ignore()
            self.hide()
            q.stop(2, on_done=self.end, deliver=self.calls.put.emit)

    def end(self) -> None:
        self.stopped = True
        self.close()
        QApplication.quit()


if __name__ == "__main__":
    localq.freeze_support()
    q.start(concurrency=1)
    program = QApplication(sys.argv)
    window = Archiver()
    window.show()
    sys.exit(program.exec())
