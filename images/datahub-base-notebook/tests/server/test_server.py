"""The image's own server, as a person and a program reach it."""

import json
import os
import uuid
from collections.abc import Callable

import pytest
import requests
import websocket
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions as wait_for
from selenium.webdriver.support.ui import WebDriverWait
from server_fixtures import Server

TOKEN = os.environ["JUPYTER_TOKEN"]
HEADERS = {"Authorization": f"token {TOKEN}"}
SECONDS = 60


def test_it_is_healthy_without_a_token(server: Server) -> None:
    assert requests.get(server.at("/api"), timeout=SECONDS).json()["version"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "token wrong"}], ids=["no token", "a wrong token"])
def test_it_refuses_strangers(server: Server, headers: dict[str, str]) -> None:
    answer = requests.get(server.at("/api/contents"), headers=headers, timeout=SECONDS)
    assert answer.status_code == 403


def test_it_takes_the_token(server: Server) -> None:
    answer = requests.get(server.at("/api/status"), headers=HEADERS, timeout=SECONDS)
    assert answer.status_code == 200


def test_it_lists_its_kernels(server: Server) -> None:
    found = requests.get(server.at("/api/kernelspecs"), headers=HEADERS, timeout=SECONDS).json()
    assert "python3" in found["kernelspecs"]


def test_a_notebook_is_kept_and_its_code_runs(server: Server) -> None:
    cell = {"cell_type": "code", "source": "6 * 7", "metadata": {}, "outputs": [], "execution_count": None}
    notebook = {"type": "notebook", "content": {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}}
    address = server.at("/api/contents/probe.ipynb")
    assert requests.put(address, headers=HEADERS, json=notebook, timeout=SECONDS).status_code in {200, 201}
    kept = requests.get(address, headers=HEADERS, timeout=SECONDS).json()
    assert kept["content"]["cells"][0]["source"] == "6 * 7"

    kernel = requests.post(server.at("/api/kernels"), headers=HEADERS, json={"name": "python3"}, timeout=SECONDS).json()
    assert execute(server, kernel["id"], kept["content"]["cells"][0]["source"]) == "42"
    for path in (f"/api/kernels/{kernel['id']}", "/api/contents/probe.ipynb"):
        assert requests.delete(server.at(path), headers=HEADERS, timeout=SECONDS).status_code == 204


def execute(server: Server, kernel: str, code: str) -> str:
    """Run code in a kernel over its web socket and return the text of its result."""
    address = server.at(f"/api/kernels/{kernel}/channels").replace("http", "ws", 1)
    session = uuid.uuid4().hex
    header = {"msg_id": session, "session": session, "username": "", "msg_type": "execute_request", "version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": {"code": code}, "channel": "shell"}
    connection = websocket.create_connection(address, header=HEADERS, timeout=SECONDS)
    try:
        connection.send(json.dumps(message))
        while True:
            reply = json.loads(connection.recv())
            if reply["msg_type"] == "execute_result" and reply["parent_header"].get("msg_id") == session:
                return str(reply["content"]["data"]["text/plain"])
    finally:
        connection.close()


def open_lab(browser: webdriver.Chrome, server: Server) -> WebDriverWait[webdriver.Chrome]:
    """Open JupyterLab's launcher."""
    browser.get(server.at(f"/lab?reset&token={TOKEN}"))
    # JupyterLab draws its parts anew while it loads: what was found may be gone when it is used.
    wait = WebDriverWait(browser, SECONDS, ignored_exceptions=[StaleElementReferenceException])
    wait.until(wait_for.presence_of_element_located((By.CSS_SELECTOR, ".jp-Launcher")))
    return wait


def write(selector: str, text: str) -> Callable[[webdriver.Chrome], bool]:
    """Return a condition: an editor holds a text. It is written anew until it does, for a redraw may swallow keys."""

    def written(browser: webdriver.Chrome) -> bool:
        editor = browser.find_element(By.CSS_SELECTOR, selector)
        if editor.text == text:
            return True
        editor.click()
        editor.send_keys(Keys.CONTROL + "a")
        editor.send_keys(text)
        return False

    return written


def test_a_person_runs_a_cell(browser: webdriver.Chrome, server: Server) -> None:
    wait = open_lab(browser, server)
    card = ".jp-LauncherCard[data-category='Notebook'][title^='Python 3']"
    wait.until(wait_for.element_to_be_clickable((By.CSS_SELECTOR, card))).click()
    wait.until(wait_for.presence_of_element_located((By.CSS_SELECTOR, "[data-status='idle']")))
    cell = ".jp-Notebook .jp-Cell .cm-content"
    wait.until(write(cell, "print(6 * 7)"))
    browser.find_element(By.CSS_SELECTOR, cell).send_keys(Keys.SHIFT, Keys.ENTER)
    output = (By.CSS_SELECTOR, ".jp-OutputArea-output")
    wait.until(wait_for.text_to_be_present_in_element(output, "42"))


def test_a_person_opens_a_terminal(browser: webdriver.Chrome, server: Server) -> None:
    wait = open_lab(browser, server)
    card = ".jp-LauncherCard[data-category='Other'][title^='Start a new terminal']"
    wait.until(wait_for.element_to_be_clickable((By.CSS_SELECTOR, card))).click()
    wait.until(wait_for.presence_of_element_located((By.CSS_SELECTOR, ".jp-Terminal .xterm-screen")))
