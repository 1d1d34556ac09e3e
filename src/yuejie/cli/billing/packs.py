"""`yuejie bills pack`."""

from pathlib import Path

import click

from yuejie.app import seller
from yuejie.cli.billing.bills import bills
from yuejie.cli.frame import Frame, as_stamped, frame, progress, say
from yuejie.cli.months import last_month, month_argument
from yuejie.customers.enrol import find_customer
from yuejie.kernel.period import BillingMonth
from yuejie.packs.folder import pack_month, write_pack
from yuejie.packs.make import Wanted, pack_name


@bills.command("pack")
@month_argument
@click.option("--customer", help="只打包这个客户（简称或编号）")
@click.option(
    "--to",
    "place",
    type=click.Path(path_type=Path),
    default=Path("packs"),
    help="目录，或（只打包一个客户时）以 .zip 结尾的文件",
)
@as_stamped
@click.option("--again", is_flag=True, help="已有的文件也重新生成")
@frame
def pack(
    house: Frame,
    month: BillingMonth | None,
    customer: str | None,
    place: Path,
    *,
    stamped: bool,
    again: bool,
) -> None:
    """打包一个月的资料：账单、用量、发票，每客户一个 ZIP（默认上个月全部客户，可中断后续做）。"""
    month = last_month(month, house)
    ours = seller(house.settings)
    if customer is None and place.suffix == ".zip":
        raise click.UsageError("打包全部客户时 --to 应为目录；只打包一个客户请加 --customer")
    with house.database() as db:
        asked = house.stamping(wanted=stamped)
        if customer is None:
            with progress(f"打包 {month}") as move:
                done = pack_month(
                    db, month, ours, place, again=again, stamping=asked, progress=move
                )
            made = sum(each.made for each in done)
            say(f"已打包 {made} 个客户到 {place.absolute()}，另有 {len(done) - made} 个已在")
            return
        with db.read() as tx:
            who = find_customer(tx, customer)
        path = place if place.suffix == ".zip" else place / pack_name(who, month)
        path.parent.mkdir(parents=True, exist_ok=True)
        made_now = write_pack(db, Wanted(who.customer_id, month, ours, asked), path, again=again)
    said = "已打包" if made_now else "已在，未重做（加 --again 重做）"
    say(f"{said} {path.absolute()}")
