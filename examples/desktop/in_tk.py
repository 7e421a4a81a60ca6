"""A window that packs folders while its owner goes on: python in_tk.py.

Quitting is safe at any moment: what is unfinished goes back to the queue, and the next start goes on with it.
"""

from __future__ import annotations

import queue
import tkinter as tk
from collections.abc import Callable
from tkinter import filedialog, ttk
from typing import Any

from jobs import add, earlier, q

import localq
from localq import AsyncResult


class Archiver(tk.Tk):
    def __init__(self) -> None:
        super().__init__()
        self.title("Archiver")
        self.rows = ttk.Treeview(self, columns=("state", "what"))
        for column, text in (("#0", "Archive"), ("state", "State"), ("what", "")):
            self.rows.heading(column, text=text)
        self.rows.pack(fill="both", expand=True)
        ttk.Button(self, text="Pack a folder...", command=self.ask).pack(side="left")
        ttk.Button(self, text="Cancel", command=self.cancel).pack(side="left")
        self.protocol("WM_DELETE_WINDOW", self.close)
        # Tk is for one thread alone: callbacks wait here until it looks.
        self.calls: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()
        self.after(50, self.call)
        for name, job in earlier():
            self.show(name, job)

    def call(self) -> None:
        self.after(50, self.call)
        while not self.calls.empty():
            self.calls.get()()

    def ask(self) -> None:
        if folder := filedialog.askdirectory():
            self.show(*add(folder))

    def show(self, name: str, job: AsyncResult[str]) -> None:
        self.rows.insert("", "end", job.id, text=name, values=(job.state, ""))
        job.on_progress(
            lambda at: self.tell(job, f"{at['done']} of {at['total']}: {at['message']}"), deliver=self.calls.put
        )
        job.on_done(lambda done: self.tell(done, str(done.result)), deliver=self.calls.put)

    def tell(self, job: AsyncResult[str], what: str) -> None:
        self.rows.item(job.id, values=(job.state, what))

    def cancel(self) -> None:
        for job_id in self.rows.selection():
            q.AsyncResult(job_id).revoke(terminate=True)

    def close(self) -> None:
        """Go out of sight at once, and end when what runs has ended, or was put back after two seconds."""
        self.withdraw()
        q.stop(2, on_done=self.destroy, deliver=self.calls.put)


if __name__ == "__main__":
    localq.freeze_support()
    q.start(concurrency=1)
    Archiver().mainloop()
