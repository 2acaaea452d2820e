"""What a load says: files, rows, cells, columns, sums that fail, windows, what stays locked.

Truth: planted exports whose content is worked out by hand.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import ecomops as eo
from ecomops.base.errors import DataError, MissingError
from ecomops.metrics.catalogue import catalogue
from ecomops.metrics.compute import compute
from ecomops.report.memory import NAME
from ecomops.report.single import single

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = (
    "订单编号,买家会员名,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,收货人姓名,订单创建时间,"
    "订单付款时间,店铺Id,宝贝种类,物流公司,我的备注\n"
    "11,b11,10.00,0.00,10.00,10.00,交易成功,张三,2026-05-01 10:00,2026-05-01 10:00,1,1,圆通,甲\n"
    "12,b12,20.00,2.00,23.50,22.00,交易成功,李四,2026-05-02 10:00,2026-05-02 10:00,1,1,中通,\n"
    "13,b13,30.00,0.00,30.00,x,交易成功,王五,2026-05-03 10:00,2026-05-03 10:00,1,1,,\n"
)
ADS = (
    "日期,展现量,点击量,花费,点击率,平均点击花费,总成交金额,直接成交金额,间接成交金额,投入产出比,转化周期\n"
    "2026-05-01,1000,50,100.00,5.00%,2.00,300.00,200.00,100.00,3.00,3\n"
    "2026-05-30,1000,50,100.00,5.00%,2.00,300.00,200.00,100.00,3.00,3\n"
    "2026-05-31,1000,50,100.00,5.00%,2.00,300.00,200.00,100.00,4.00,3\n"
)


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "ExportOrderList202605311200.csv").write_text(ORDERS, encoding="gb18030")
    (folder / "notes.txt").write_text("buy milk\nand bread\n", encoding="utf-8")
    return folder


def row(report, kind, item):
    found = report.of(kind)
    return found[found["item"] == item].iloc[0]


def test_files_rows_and_cells_are_told(downloads):
    report = eo.load(downloads, lang="en")
    files = report.of("file").set_index("item")
    assert files.loc["notes.txt", "status"] == "refused"
    loaded = files.loc["ExportOrderList202605311200.csv"]
    assert (loaded["place"], loaded["status"], loaded["count"]) == (
        "taobao_orders_2016", "loaded", 3,
    )  # fmt: skip
    assert 0.45 <= loaded["share"] <= 1
    cell = row(report, "problem", "unreadable_cell")
    assert (cell["count"], cell["examples"]) == (1, ("买家实际支付金额 = x",))
    assert row(report, "table", "orders")["count"] == 3
    assert "1 cell could not be read" in report.explain()


def test_sums_of_the_file_are_held_and_the_gap_is_told(downloads):
    held = row(eo.load(downloads, lang="zh"), "identity", "identity_order_total")
    assert (held["status"], held["count"], held["of"], held["amount"]) == ("fails", 1, 3, 1.5)
    assert held["examples"][0].endswith("总金额 = 买家应付货款 + 买家应付邮费: 23.5 ≠ 22")


def test_columns_go_somewhere_and_personal_ones_nowhere(downloads, tmp_path):
    report = eo.load(downloads, into=tmp_path / "shop", lang="en")
    went = report.of("column").set_index("item")["status"]
    assert went["订单编号"] == "mapped"
    assert went["收货人姓名"] == "personal_dropped"
    assert went["我的备注"] == went["物流公司"] == "spare_kept"
    extra = eo.open(tmp_path / "shop").extras["orders"].to_pandas().set_index("order_id")
    assert extra["我的备注"].dropna().to_dict() == {"11": "甲"}
    assert "收货人姓名" not in extra.columns
    assert not any("张三".encode() in p.read_bytes() for p in (tmp_path / "shop").iterdir())


def test_personal_columns_are_kept_on_request(downloads, tmp_path):
    report = eo.load(downloads, into=tmp_path / "shop", keep_personal=True, lang="en")
    extra = eo.open(tmp_path / "shop").extras["orders"].to_pandas()
    assert list(extra["收货人姓名"]) == ["张三", "李四", "王五"]
    assert "guard the folder" in report.explain()


def test_a_later_export_replaces_what_it_says_of_an_order(downloads, tmp_path):
    eo.load(downloads, into=tmp_path / "shop")
    later = ORDERS.splitlines()[0] + "\n" + ORDERS.splitlines()[1].replace("甲", "乙") + "\n"
    file = tmp_path / "ExportOrderList202606301200.csv"
    file.write_text(later, encoding="gb18030")
    report = eo.load(file, into=tmp_path / "shop", lang="en")
    extra = eo.open(tmp_path / "shop").extras["orders"].to_pandas().set_index("order_id")
    assert extra["我的备注"].dropna().to_dict() == {"11": "乙"}
    assert row(report, "problem", "overlap")["count"] == 1
    assert row(report, "table", "orders")[["count", "of"]].tolist() == [3, 1]


def test_rows_that_a_newer_export_lacks_are_told_in_words(tmp_path):
    """Two lines without numbers of their own, then one of them: one row went, by hand."""
    header = "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
    rows = ["81,袜子,10,1,,,,,交易成功,k", "81,帽子,10,1,,,,,交易成功,k"]
    for day, kept in (("20260531", rows), ("20260630", rows[1:])):
        file = tmp_path / f"ExportOrderDetailList{day}1200.csv"
        file.write_text("\n".join([header, *kept]) + "\n", encoding="gb18030")
        report = eo.load(file, into=tmp_path / "shop", lang="zh")
    found = {f.code: f for f in report.findings()}
    assert found["rows_gone"].level == "watch"
    assert "有 1 行在同一订单的新导出里已经没有" in report.explain()
    again = eo.load(file, into=tmp_path / "shop", lang="en")
    assert "rows_gone" not in {f.code for f in again.findings()}
    assert "no longer in the newest export" in report.explain(lang="en")


def test_days_inside_the_attribution_window_are_told(tmp_path):
    file = tmp_path / "直通车_账户报表_20260531.csv"
    file.write_text(ADS, encoding="gb18030")
    report = eo.load(file, format="ztc_account_2022", lang="en")
    late = row(report, "problem", "open_window")
    assert (late["count"], late["amount"]) == (2, 600.0)
    assert late["examples"] == ("2026-05-30 – 2026-05-31: 3 d",)
    assert row(report, "identity", "identity_direct_indirect")["status"] == "holds"


def test_what_stays_locked_names_the_download_that_brings_it(downloads):
    report = eo.load(downloads, lang="zh")
    locked = report.of("analysis").set_index("item")
    assert locked.loc["channel.traffic", "status"] == "locked"
    assert locked.loc["channel.traffic", "examples"][0].startswith("sycm_")
    assert locked.loc["customer.rfm", "status"] == "possible"
    assert "生意参谋" in report.explain()


def test_metrics_are_locked_exactly_when_they_cannot_be_computed(downloads, tmp_path):
    (downloads / "直通车_账户报表_20260531.csv").write_text(ADS, encoding="gb18030")
    report = eo.load(downloads, into=tmp_path / "shop", lang="zh")
    locked = report.of("metric").set_index("item")
    shop = eo.open(tmp_path / "shop")
    own = [m.code for m in catalogue().values() if not m.elsewhere and not m.external]
    refused = set()
    for code in own:
        try:
            compute(shop, code)
        except MissingError:
            refused.add(code)
    assert refused == set(locked.index)
    assert 0 < len(refused) < len(own)
    assert locked.loc["cvr_pay", "place"] == "traffic_daily"
    assert locked.loc["cvr_pay", "examples"][0].startswith("sycm_")
    assert f"有 {len(refused)} 个指标还算不了" in report.explain()


def test_report_is_bilingual_json_and_a_page_with_the_same_bytes(downloads):
    report = eo.load(downloads, lang="zh")
    told = json.loads(json.dumps(report.to_dict(), ensure_ascii=False))
    assert told["text"]["zh"] != told["text"]["en"]
    assert told["text"]["en"].startswith("1 of 2 files")
    page = single(report)
    assert page == single(eo.load(downloads, lang="zh"))
    assert "这些导出文件读进来了什么？" in page
    assert "<script" not in page


def test_every_problem_of_the_samples_has_words(shared, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for file in (shared / "samples").glob("SYNTHETIC_*"):
        (folder / file.name).write_bytes(file.read_bytes())
    loaded = eo.load(folder)
    assert len(loaded.of("file", "loaded")) == 43
    for lang in ("zh", "en"):
        report = loaded.in_language(lang)
        words = report.words()
        told = report.headline()
        codes = [*told["kind"], *told["status"], *report.of("problem")["item"]]
        codes += [*report.of("identity")["item"], *report.of("analysis")["item"]]
        plain = {c for c in codes if "." not in c}
        assert {code for code in plain if not isinstance(words.find("labels", code), str)} == set()
        assert {code for code in codes if "." in code and words.label(code) == code} == set()


def test_chart_draws_the_files_of_the_table(downloads):
    report = eo.load(downloads, lang="en")
    axes = report.plot()
    assert [bar.get_width() for bar in axes.patches] == list(report.bars()["share"])


def test_what_the_library_made_itself_is_passed_over(downloads, tmp_path):
    """A shop's ledger lies beside its exports: it is no export that could not be read."""
    for folder in (downloads, tmp_path / "bare"):
        folder.mkdir(exist_ok=True)
        for name in (NAME, f"{NAME}-wal", f"{NAME}-shm"):
            (folder / name).write_bytes(b"SQLite format 3\0")
        for name in ("shop.toml", ".ecomops.toml", "plan.ipynb", "plan.html", "plan.json"):
            (folder / name).write_text("{}", encoding="utf-8")
    assert set(eo.load(downloads).of("file")["item"]) == {
        "ExportOrderList202605311200.csv", "notes.txt",
    }  # fmt: skip
    with pytest.raises(DataError) as error:
        eo.load(tmp_path / "bare")
    assert error.value.code == "nothing_to_load"
    assert NAME not in str(error.value)


def test_in_chinese_tables_and_columns_have_chinese_names(downloads):
    report = eo.load(downloads, lang="zh")
    words = report.words()
    assert words.label("orders") == "订单"
    assert words.label("orders.refund_amount") == "订单·退款金额"
    assert words.label("surveys, traffic_daily") == "问卷、流量日报"
    assert words.label("orders.nothing") == "orders.nothing"
    told = report.explain("zh")
    assert "traffic_daily" not in told
    assert not re.search(r"[一-鿿] ?\(|缺 ", told)
    english = report.words("en")
    assert english.label("surveys, traffic_daily") == "surveys, traffic_daily"
