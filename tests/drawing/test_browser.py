"""The page in a real browser: its numbers are the graph's, for mouse, keyboard and screen reader."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from tests.drawing import networks
from tinygrad_course import Tensor, debug, graph
from tinygrad_course.drawing import page, steps
from tinygrad_course.drawing.traversal import through

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.long,  # a browser takes seconds to start
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="no chromium and chromedriver on the PATH: .ci/install_chromium brings Debian's",
    ),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--window-size=1600,900", "--force-prefers-reduced-motion",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(30)
    driver.set_script_timeout(30)
    yield driver
    driver.quit()


@pytest.fixture
def show(browser, tmp_path):
    """Open a graph's page; afterwards nothing may have gone wrong in it."""

    def open_page(g, **options):
        path = g.to_html(tmp_path / "J.html", **options)
        browser.get(path.as_uri())
        return browser

    yield open_page
    complaints = [entry["message"] for entry in browser.get_log("browser")]
    assert complaints == []


def find(browser, selector):
    from selenium.webdriver.common.by import By

    return browser.find_element(By.CSS_SELECTOR, selector)


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def table(browser):
    """Return the numbers of the page's table: name -> (value, gradient), exactly as they are held."""
    return browser.execute_script("""
        document.getElementById("numbers").open = true; fillTable();
        return [...document.querySelectorAll("#table tbody tr")].map(row => [...row.children].slice(3).map(
            cell => [cell.dataset.exact ?? null, cell.textContent]));
    """)


def drawn(browser):
    """Return the visible texts of each box of the drawing, by its key."""
    return browser.execute_script("""
        const boxes = [...document.querySelectorAll("g.box[data-key]")];
        const visible = t => t.checkVisibility({visibilityProperty: true});
        const read = t => [...t.childNodes].filter(n => n.nodeType === 3 || n.checkVisibility())
            .map(n => n.textContent).join("");
        return Object.fromEntries(boxes.map(box => [box.dataset.key,
            [...box.querySelectorAll("text")].filter(visible).map(read).filter(t => t)]));
    """)


def parsed(text):
    return float(text.replace("−", "-").removeprefix("norm ").removeprefix("‖∇‖ "))


def one(value):
    return float(np.asarray(value).reshape(()).item()) if np.size(value) == 1 else None


@pytest.mark.parametrize(
    "draw", [networks.course_example, networks.two_ways, networks.logistic, networks.flower, networks.deep]
)
def test_at_the_end_every_number_is_the_graphs(show, draw):
    g = draw()
    browser = show(g)
    way = through(g)
    before = table(browser)
    assert all(gradient == "" for _, (_, gradient) in before)
    assert [value != "" for (_, value), _ in before] == [n.op is None for n in g]
    find(browser, "#last").click()
    rows = table(browser)
    assert len(rows) == len(g)
    checked = 0
    for node, ((value, value_text), (gradient, gradient_text)) in zip(g, rows, strict=True):
        if one(node.value) is not None:
            assert float(value) == one(node.value)
            assert parsed(value_text) == pytest.approx(one(node.value), rel=1e-5)
        else:
            low, high = (parsed(part) for part in value_text.split(" to "))
            assert (low, high) == pytest.approx((np.min(node.value), np.max(node.value)), rel=1e-3)
        if node.gradient is None:
            assert gradient_text == ""
            continue
        checked += 1
        whole = one(node.gradient)
        expected = np.linalg.norm(node.gradient) if whole is None else whole
        assert float(gradient) == pytest.approx(expected, rel=1e-12)
        assert gradient_text.startswith("norm") == (whole is None)
        assert parsed(gradient_text) == pytest.approx(expected, rel=1e-5)
        np.testing.assert_allclose(way.gradients[node.id], node.gradient, rtol=1e-12)
    assert checked >= 3


@pytest.mark.parametrize("draw", [networks.course_example, networks.two_ways, networks.flower, networks.deep])
def test_the_drawing_shows_the_graphs_numbers(show, draw):
    g = draw()
    browser = show(g)
    find(browser, "#last").click()
    names = steps.Names(g)
    texts = drawn(browser)
    for node in g:
        boxed = node.op is None or node.name or node.id in g.roots
        shown = texts[f"n{node.id}" if boxed else f"o{node.id}"]
        if one(node.value) is not None:
            label = next(t for t in shown if not node.op or t.startswith(names.plain(node.id)))
            assert parsed(label.split("=")[-1]) == pytest.approx(one(node.value), rel=1e-3)
        else:
            assert any(str(node.shape) in t for t in shown)
        if node.gradient is not None:
            expected = one(node.gradient)
            norm = expected is None
            expected = np.linalg.norm(node.gradient) if norm else expected
            assert parsed(shown[-1]) == pytest.approx(expected, rel=1e-2 if norm else 1e-3)


def test_a_step_at_a_time_by_keyboard(show):
    from selenium.webdriver.common.keys import Keys

    browser = show(networks.course_example())
    assert drawn(browser)["n6"] == ["J"]
    press(browser, Keys.ARROW_RIGHT)
    assert drawn(browser)["o3"] == ["×", "v₁ = 6"]
    assert "= 3 · 2 = 6" in math(browser)
    press(browser, *[Keys.ARROW_RIGHT] * 2)
    assert drawn(browser)["n6"] == ["J = 33"]
    press(browser, Keys.ARROW_RIGHT)
    assert drawn(browser)["n6"] == ["J = 33", "1"]
    press(browser, Keys.END)
    assert drawn(browser)["n1"] == ["b = 3", "6"]
    assert "∂J ∂b = ∂J ∂v2 · ∂v2 ∂v1 · ∂v1 ∂b = 3 · 1 · 2 = 6" in math(browser)
    assert "Step 7 of 7" in find(browser, "#status").get_attribute("textContent")
    assert "dJ/db receives 6" in find(browser, "#status").get_attribute("textContent")
    press(browser, Keys.ARROW_LEFT)
    assert drawn(browser)["n1"] == ["b = 3"]
    press(browser, Keys.HOME)
    assert drawn(browser)["n6"] == ["J"]


def math(browser):
    """Return the formulas of the explanation as one line of text."""
    return browser.execute_script("""
        const read = e => e.children.length ? (e.tagName === "mfrac" ? [...e.children].map(read).join(" ")
            : [...e.children].map(read).join(e.tagName === "mrow" ? "|" : "")) : e.textContent;
        return [...document.querySelectorAll("#panel math")].map(read).join(" ").replaceAll("∂|", "∂")
            .replaceAll("|", " ").replace(/ +/g, " ");
    """)


def test_gradients_that_add_up(show):
    g = networks.two_ways()
    browser = show(g)
    (a,) = [n for n in g if n.name == "a"]
    total = len(through(g).backward)
    partial = set()
    for _ in range(total + len(through(g).forward) + 1):
        find(browser, "#next").click()
        shown = drawn(browser)[f"n{a.id}"]
        if len(shown) == 2:
            partial.add(parsed(shown[1]))
    way = through(g)
    totals = [float(s.total) for shares in way.backward.values() for s in shares if s.node == a.id]
    assert len(totals) == 3
    assert sorted(partial) == pytest.approx(sorted(totals), rel=1e-3)
    assert not find(browser, "#next").is_enabled()


def test_slider_and_play(show):
    browser = show(networks.course_example())
    browser.execute_script("""
        const s = document.getElementById("slider"); s.value = 5; s.dispatchEvent(new Event("input"));""")
    assert find(browser, "#count").text == "Step 5 of 7 · backward"
    find(browser, "#play").click()
    assert find(browser, "#play").get_attribute("aria-pressed") == "true"
    for _ in range(100):
        if find(browser, "#count").text.startswith("Step 7") and find(browser, "#next").get_property(
            "disabled"
        ):
            break
        time.sleep(0.1)
    assert find(browser, "#count").text == "Step 7 of 7 · backward"
    for _ in range(40):
        if find(browser, "#play").get_attribute("aria-pressed") == "false":
            break
        time.sleep(0.1)
    assert find(browser, "#play").get_attribute("aria-pressed") == "false"


def test_layers_collapse_and_expand(show):
    from selenium.webdriver.common.keys import Keys

    g = networks.deep()
    browser = show(g)
    find(browser, "#fold").click()
    assert {"run0", "run1", "run2"} <= set(drawn(browser))
    assert drawn(browser)["run0"][0].replace("\u2002", " ").startswith("Layers 1–3")
    assert "×3" in drawn(browser)["run0"][0]
    find(browser, "#last").click()
    assert any(t == "1" for t in drawn(browser)[f"n{g.roots[0]}"])
    for box in ("run0", "group1"):
        browser.execute_script("document.querySelector(`[data-key=${arguments[0]}]`).focus()", box)
        press(browser, Keys.ENTER)
    texts = drawn(browser)
    assert {"group0", "group2"} <= set(texts)
    assert f"n{g['W2'].id}" in texts
    assert f"n{g['W1'].id}" not in texts
    handle = find(browser, ".handle")
    assert handle.get_attribute("aria-label") == "Collapse Layer 2"
    browser.execute_script("arguments[0].focus()", handle)
    press(browser, Keys.SPACE)
    assert f"n{g['W2'].id}" not in drawn(browser)


def test_search_finds_and_unfolds(show):
    from selenium.webdriver.common.keys import Keys

    g = networks.recurrent(40)
    browser = show(g)
    press(browser, "/")
    search = find(browser, "#search")
    assert browser.switch_to.active_element == search
    search.send_keys("Waa")
    assert "1 found" in find(browser, "#status").get_attribute("textContent")
    search.send_keys(Keys.ENTER)
    assert "found" in find(browser, f"[data-key=n{g['Waa'].id}]").get_attribute("class")
    assert find(browser, "#chosen h2").text == "Waa"
    search.send_keys(Keys.ESCAPE)
    assert search.get_property("value") == ""


def test_pointing_tells_everything(show):
    from selenium.webdriver.common.action_chains import ActionChains

    with debug():
        a = Tensor(5.0, name="a")
        J = (a * 3).named("J")
    browser = show(graph(J))
    find(browser, "#last").click()
    ActionChains(browser).move_to_element(find(browser, "[data-key=o2]")).perform()
    told = find(browser, "#tip").text
    for part in (
        "operation",
        "multiply of a, 3",
        "15",
        "float64",
        "J = (a * 3).named",
        Path(__file__).name,
    ):
        assert part in told


def test_heat_maps(show):
    g = networks.deep()
    browser = show(g)
    find(browser, "#last").click()
    for mode in ("values", "gradients", "magnitudes", "dead"):
        browser.execute_script("""
            const e = document.getElementById("heat");
            e.value = arguments[0];
            e.dispatchEvent(new Event("change"));
        """, mode)  # fmt: skip
        pictures = browser.execute_script("return document.querySelectorAll('image.heat').length")
        matrices = [n for n in g if one(n.value) is None]
        expected = {
            "values": len(matrices), "magnitudes": len(matrices), "dead": 3,
            "gradients": sum(n.gradient is not None for n in matrices),
        }  # fmt: skip
        assert pictures == expected[mode], mode
    pixels = browser.execute_script("""
        const n = nodes.find(n => n.name === "W4"), url = picture(n.values, "values");
        const image = new Image(); image.src = url; const done = arguments[arguments.length - 1];
        return image.decode().then(() => { const c = document.createElement("canvas"); c.width = n.values.c;
            c.height = n.values.r; const x = c.getContext("2d"); x.drawImage(image, 0, 0);
            return [...x.getImageData(0, 0, c.width, c.height).data]; });
    """)
    cells = np.array(pixels).reshape((*g["W4"].value.shape, 4))
    assert np.array_equal(cells[..., 0] > cells[..., 2], g["W4"].value > 0)  # orange and blue


def test_light_and_dark(show):
    browser = show(networks.course_example())
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = browser.execute_script(colour)
    find(browser, "#theme").click()
    assert browser.execute_script(colour) != light
    assert find(browser, "#theme").get_attribute("aria-pressed") == "true"


def test_a_screen_reader_is_told(show):
    browser = show(networks.flower(), title="The flower")
    unnamed = browser.execute_script("""
        const named = e => e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length;
        const controls = [...document.querySelectorAll("[role=button], button, input, select")];
        return controls.filter(e => !named(e)).map(e => e.outerHTML);""")
    assert unnamed == []
    assert browser.execute_script(
        "return document.querySelector('#stage svg').getAttribute('aria-label')"
    ).startswith("The flower")
    find(browser, "#last").click()
    told = browser.execute_script(
        "return [...document.querySelectorAll('g.box')].map(e => e.getAttribute('aria-label'))"
    )
    assert any(t and t.startswith("W1, shape (4, 2), norm of the gradient") for t in told)
    assert find(browser, "#status").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize(
    "name",
    ["</script><script>document.title='gone'</script>", "<img src=x onerror=\"document.title='gone'\">"],
)
def test_no_name_becomes_markup(show, name):
    a = Tensor(np.ones((2, 2)), name=name)
    J = np.sum(a * 3).named(name + "J")
    browser = show(graph(J, names=locals()), title=name)
    find(browser, "#last").click()
    browser.execute_script("chosen = 0; update(); tell([...shown.boxes.values()][0]); fillTable()")
    assert browser.title == name
    assert browser.execute_script("return document.querySelectorAll('img[onerror], script').length") == 2
    assert browser.execute_script("return document.querySelectorAll('img[onerror]').length") == 0


@pytest.mark.long
def test_a_large_graph_is_laid_out_before_the_driver_gives_up(show):
    browser = show(networks.tangle(2000))  # the driver waits 30 seconds for a page
    assert 0 < len(drawn(browser)) < 60
    find(browser, "#last").click()
    assert find(browser, "#count").text.startswith("Step")


def test_boxes_do_not_overlap(show):
    for draw in (networks.course_example, networks.flower, networks.deep, networks.two_ways):
        browser = show(draw())
        overlaps = browser.execute_script("""
            const b = [...shown.boxes.values()];
            return b.flatMap((p, i) => b.slice(i + 1).filter(q => Math.abs(p.x - q.x) < (p.w + q.w) / 2 - 0.1
                && Math.abs(p.y - q.y) < (p.h + q.h) / 2 - 0.1).map(q => [p.key, q.key]));""")
        assert overlaps == []
        assert browser.execute_script(
            "return shown.wires.every(w => shown.boxes.get(w.tail).x < shown.boxes.get(w.head).x)"
        )


def test_the_page_in_a_notebooks_frame(browser, tmp_path):
    frame = tmp_path / "notebook.html"
    shown = page.Page(page.page(networks.course_example()))
    frame.write_text(f"<!doctype html><body>{shown._repr_html_()}", encoding="utf-8")
    browser.get(frame.as_uri())
    browser.switch_to.frame(0)
    find(browser, "#next").click()
    assert find(browser, "#count").text.startswith("Step 1 of 7")
    browser.switch_to.default_content()


def test_operands_arrive_in_their_order(show):
    a, b = Tensor(0.5, name="a"), Tensor(1.5, name="b")
    for J in (3 - a, a - 3, 1 / (1 + np.exp(-a)), (b - a) / (a - b * 2), 2**a - b):
        browser = show(graph((J * 2).named("J")))
        wrong = browser.execute_script("""
            const wrong = [];
            for (const box of shown.boxes.values()) {
              if (box.kind !== "operation" || !nodes[box.node].ordered) continue;
              const into = shown.wires.filter(w => w.head === box.key).map(w => {
                const path = w.line, end = path.getPointAtLength(path.getTotalLength());
                return [w.flows[0].position, end.y];
              }).sort((a, b) => a[0] - b[0]);
              if (into.some(([, y], k) => k && y <= into[k - 1][1])) wrong.push([box.key, into]);
            }
            return wrong;
        """)
        assert wrong == []


def test_a_search_says_when_it_finds_nothing(show):
    browser = show(networks.course_example())
    find(browser, "#search").send_keys("zzz")
    assert find(browser, "#found").text == "nothing is called zzz"
    find(browser, "#search").clear()
    find(browser, "#search").send_keys("b")
    assert "found" in find(browser, "#found").text


def test_the_page_opens_legible_or_at_the_cost(show):
    for g in (networks.course_example(), networks.flower()):
        browser = show(g)
        scale, room, cost = browser.execute_script("""
            const g = [...shown.boxes.values()].find(b => b.kind === "cost").element.getBoundingClientRect();
            const room = stage.getBoundingClientRect();
            return [camera.k, [room.left, room.right], [g.left, g.right]];
        """)
        assert scale >= 0.7
        assert room[0] <= cost[0] < cost[1] <= room[1]


@pytest.mark.long
def test_numbers_are_never_broken(show):
    browser = show(networks.two_ways())
    press(browser, *["\ue014"] * 12)
    heights = browser.execute_script("""
        const broken = [];
        for (const e of document.querySelectorAll("#panel dd, #panel .red, #panel mn")) {
          const range = document.createRange();
          const walk = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
          while (walk.nextNode()) for (const m of walk.currentNode.data.matchAll(/[−\\d.]+/g)) {
            range.setStart(walk.currentNode, m.index); range.setEnd(walk.currentNode, m.index + m[0].length);
            if (range.getClientRects().length > 1) broken.push(m[0]);
          }
        }
        return broken;
    """)
    assert heights == []
