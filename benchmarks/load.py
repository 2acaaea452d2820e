"""Exports into a shop: a 1 GB GB18030 order file beside plain pandas, an xlsx beside openpyxl.

Pandas reads and cleans the columns that the loader types: ids, amounts, times, status. The file is
made by the library's own registry, with Chinese text in every row.
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
CLEAN = """
names = {
    "订单编号", "买家会员名", "买家应付货款", "买家应付邮费", "总金额", "买家实际支付金额",
    "订单状态", "订单创建时间", "订单付款时间", "宝贝种类", "宝贝总数量", "收货地址",
    "退款金额", "打款商家金额",
}
wanted = lambda c: c.strip() in names
frame = pd.read_csv(sys.argv[1], encoding="gb18030", dtype=str, usecols=wanted)
frame.columns = frame.columns.str.strip()
frame["订单编号"] = frame["订单编号"].str.strip('="')
money = ("买家应付货款", "买家应付邮费", "总金额", "买家实际支付金额", "退款金额", "打款商家金额")
for column in money:
    frame[column] = pd.to_numeric(frame[column].str.replace("元", ""))
for column in ("宝贝种类", "宝贝总数量"):
    frame[column] = pd.to_numeric(frame[column])
for column in ("订单创建时间", "订单付款时间"):
    frame[column] = pd.to_datetime(frame[column])
frame[["省", "市", "区"]] = frame["收货地址"].str.split(" ", n=3, expand=True)[[0, 1, 2]]
frame = frame.drop_duplicates("订单编号", keep="last")
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
        plain = fresh(program(PANDAS, CLEAN), str(file))
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
