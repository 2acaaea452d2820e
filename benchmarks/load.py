"""Exports into a shop: a 1 GB GB18030 order file beside plain pandas, an xlsx beside openpyxl.

Pandas does the same job on the same columns: the file's texts freed of what exporters wrap them in,
words for "nothing" emptied, amounts, counts and times typed, the address split, states translated,
closed orders told apart, masked buyers emptied, one row per order, sorted, written as Parquet. It
may use floats for money, proves nothing, reports nothing, and stops at the first odd cell. The file
is made by the library's own registry, with Chinese text in every row.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from random import Random

from benchmarks.measure import Row, fresh, program, say
from ecomops.data.formats import formats
from ecomops.data.formats.workbook import write_workbook

GIGABYTES = float(os.environ.get("ECOMOPS_LOAD_GB", "1"))
BOOK_ROWS = int(os.environ.get("ECOMOPS_LOAD_ROWS", "200000"))
BLOCK = 400
LAYOUT = "taobao_orders_2018"

OURS = "import sys\nfrom ecomops.data.formats import load_into\n"
LOAD = "done = load_into(sys.argv[1], sys.argv[2])"
PANDAS = "import sys, pandas as pd\n"
CLEAN = r"""
money = {
    "买家应付货款", "买家应付邮费", "买家支付积分", "总金额", "买家实际支付金额", "天猫卡券抵扣",
    "退款金额", "打款商家金额",
}
whole = {"宝贝种类", "宝贝总数量"}
times = ["订单创建时间", "订单付款时间", "确认收货时间"]
personal = {"买家支付宝账号", "收货人姓名", "联系电话", "联系手机", "修改后的收货地址"}
states = {
    "等待买家付款": "unpaid", "买家已付款，等待卖家发货": "paid", "交易成功": "completed",
    "卖家已发货，等待买家确认": "shipped", "交易关闭": "closed",
}
nothing = ["-", "--", "---", "—", "/", "空", "null", "NULL", "无", "暂无", "无退款申请", "None"]
told = {"encoding": "gb18030", "keep_default_na": False, "na_values": [""]}
frame = pd.read_csv(sys.argv[1], dtype=str, **told)
frame.columns = frame.columns.str.strip()
frame = frame.drop(columns=[c for c in frame if c in personal])
for column in frame:
    text = frame[column].str.replace(r'^="(.*)"$', r"\1", regex=True).str.lstrip("'").str.strip()
    frame[column] = text.mask(text.isin(nothing))
for column in money:
    text = frame[column].str.replace(r"[,¥￥元\s]", "", regex=True)
    text = text.str.replace("万", "e4")
    frame[column] = pd.to_numeric(text, errors="coerce").round(2)
for column in whole:
    frame[column] = pd.to_numeric(frame[column], errors="coerce").astype("Int64")
for column in times:
    frame[column] = pd.to_datetime(frame[column], errors="coerce")
frame[["省", "市", "区"]] = frame["收货地址"].str.split(" ", n=3, expand=True)[[0, 1, 2]]
frame = frame.drop(columns=["收货地址"])
frame["订单状态原文"] = frame["订单状态"]
frame["订单状态"] = frame["订单状态"].map(states).fillna("unknown")
closed = frame["订单状态"] == "closed"
frame.loc[closed & frame["订单付款时间"].notna(), "订单状态"] = "closed_refunded"
frame.loc[closed & frame["订单付款时间"].isna(), "订单状态"] = "closed_unpaid"
bare = (frame["订单状态"] == "closed_refunded") & (frame["退款金额"].fillna(0) == 0)
frame.loc[bare, "退款金额"] = frame["买家实际支付金额"]
frame.loc[frame["买家会员名"].str.contains("*", regex=False, na=False), "买家会员名"] = None
frame = frame.drop_duplicates("订单编号", keep="last").sort_values("订单编号")
frame.dropna(axis="columns", how="all").to_parquet(sys.argv[2], compression="zstd")
"""
OPENPYXL = "import sys, openpyxl\n"
OPEN = "rows = list(openpyxl.load_workbook(sys.argv[1], read_only=True).active.values)"


def _row(seed: Random) -> dict[str, str]:
    day = f"2019-{seed.randrange(1, 13):02d}-{seed.randrange(1, 28):02d} 10:11:12"
    paid = f"{seed.randrange(500, 50000) / 100:.2f}"
    return {
        "买家会员名": f"懒人买家{seed.randrange(10**6)}",
        "买家应付货款": paid,
        "买家应付邮费": "0.00",
        "总金额": paid,
        "买家实际支付金额": paid,
        "订单状态": seed.choice(["交易成功", "交易关闭", "卖家已发货，等待买家确认"]),
        "收货人姓名": "合*",
        "收货地址": "浙江省 杭州市 余杭区 文一西路合成路1号(311100)",
        "联系手机": "'138****0000",
        "订单创建时间": day,
        "订单付款时间": day,
        "宝贝标题": "懒人居家套装春秋款 纯棉家居服",
        "宝贝种类": "1",
        "宝贝总数量": "2",
        "退款金额": "0.00",
        "打款商家金额": f"{paid}元",
    }


def export(path: Path, size: int) -> int:
    """Write an order export of about `size` bytes; return its number of rows."""
    headers, seed = formats()[LAYOUT].headers, Random(1)  # noqa: S311
    rows = [_row(seed) for _ in range(BLOCK)]
    tails = [",".join(f'"{r.get(h, "")}"' for h in headers[1:]).encode("gb18030") for r in rows]
    count = written = 0
    with path.open("wb") as file:
        file.write(",".join(f'"{h}"' for h in headers).encode("gb18030") + b"\r\n")
        while written < size:
            block = b"".join(
                b'="%d",%s\r\n' % (431112233000000000 + count + k, tail)
                for k, tail in enumerate(tails)
            )
            written += file.write(block)
            count += BLOCK
    return count


def workbook(path: Path, count: int) -> None:
    """Write a workbook of `count` orders."""
    headers, seed = formats()[LAYOUT].headers, Random(2)  # noqa: S311
    rows = [_row(seed) for _ in range(BLOCK)]
    blocks = (
        [
            [str(431112233000000000 + start + k), *(r.get(h, "") for h in headers[1:])]
            for k, r in enumerate(rows)
        ]
        for start in range(0, count, BLOCK)
    )
    write_workbook(path, [list(headers)], blocks)


def main() -> list[Row]:
    """Return seconds and memory of the load, and ratios to pandas and openpyxl."""
    with tempfile.TemporaryDirectory() as scratch:
        file, book = Path(scratch) / "orders20191231.csv", Path(scratch) / "orders20191231.xlsx"
        say(f"{export(file, int(GIGABYTES * 1e9)):,} orders in {GIGABYTES} GB")
        ours = fresh(program(OURS, LOAD), str(file), f"{scratch}/shop")
        plain = fresh(program(PANDAS, CLEAN), str(file), f"{scratch}/pandas.parquet")
        workbook(book, BOOK_ROWS)
        read = fresh(program(OURS, LOAD), str(book), f"{scratch}/books")
        slow = fresh(program(OPENPYXL, OPEN), str(book))
    return [
        Row(f"load {GIGABYTES} GB of GB18030", ours.work_wall, "s", 60 * max(GIGABYTES, 0.1)),
        Row("its peak memory", ours.peak_mb, "MB", 2000),
        Row("beside pandas", ours.work_wall / plain.work_wall, "ratio", 1 / 3),
        Row("pandas' peak memory", plain.peak_mb, "MB"),
        Row(f"load an xlsx of {BOOK_ROWS:,} rows", read.work_wall, "s"),
        Row("beside openpyxl reading it", read.work_wall / slow.work_wall, "ratio", 1 / 3),
    ]


if __name__ == "__main__":
    sys.exit(print(main()))
