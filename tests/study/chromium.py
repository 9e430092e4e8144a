"""A page in Chromium, as a reader has it: keys, files, and what the browser keeps."""

from __future__ import annotations

import json
import shutil
import time

import pytest

PATIENCE_S = 120
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--window-size=1400,900"),
)


class Browser:
    """One session.

    Args:
        folder: what the browser keeps, and the files that it saves; another session there goes on.
    """

    def __init__(self, folder):
        binary, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
        if binary is None or driver is None:
            pytest.skip("needs chromium and chromedriver")
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = binary
        for argument in (*ARGUMENTS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(argument)
        self.saved = folder / "saved"
        preferences = {"download.default_directory": str(self.saved)}
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(driver)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_script_timeout(PATIENCE_S)

    def open(self, page):
        self.driver.get(page.as_uri())

    def run(self, script):
        """What a script of the page returns."""
        return self.driver.execute_script(script)

    def press(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def begin(self, reader):
        """Enter a reader's code on the first sheet, and the Enter key."""
        from selenium.webdriver.common.keys import Keys

        field = self.driver.find_element("id", "reader")
        field.clear()
        field.send_keys(reader, Keys.ENTER)

    def click(self, identity):
        self.driver.find_element("id", identity).click()

    def sheet(self):
        """Which of the three sheets is shown."""
        (shown,) = self.run("return [...document.querySelectorAll('main')].filter(m => !m.hidden)")
        return shown.get_attribute("id")

    def until(self, script):
        """What a script returns, once that is not empty."""
        end = time.monotonic() + PATIENCE_S
        while not (found := self.run(script)):
            assert time.monotonic() < end, f"still empty: {script}"
            time.sleep(0.05)
        return found

    def file(self, name):
        """A file that was saved, once it is there."""
        path = self.saved / name
        end = time.monotonic() + PATIENCE_S
        while not path.is_file():
            assert time.monotonic() < end, f"{name} was not saved"
            time.sleep(0.05)
        return path

    def close(self):
        """End the session as who closes the window, and return what the page complained of."""
        complaints = [entry["message"] for entry in self.driver.get_log("browser")]
        self.driver.quit()
        return complaints


def places(own, key, wanted):
    """The place, from 1, of the image of the wanted method in what a reader sees."""
    case = next(case for case in key["cases"] if case["case"] == own["case"])
    methods = [case["images"][code] for code in own["order"]]
    return 1 + methods.index(wanted[case["number"]])


def shown_case(browser):
    return json.loads(browser.run("return JSON.stringify(shownCase())"))
