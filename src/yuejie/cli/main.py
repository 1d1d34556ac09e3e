"""The root command and its nouns."""

import click

from yuejie import __version__
from yuejie.cli import bills, catalog, customers, house, prices, usage
from yuejie.cli.frame import make_frame


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yuejie")
@click.pass_context
def yuejie(ctx: click.Context) -> None:
    """月结：企业大模型 API 采购中心。一个入口，精确计量，月底出账。"""
    ctx.obj = make_frame()


for command in (
    house.serve,
    house.gateway,
    house.intake,
    house.console,
    house.clerk,
    house.demo,
    house.apply,
    house.journals,
    house.token,
    customers.customers,
    customers.projects,
    customers.keys,
    catalog.models,
    catalog.deployments,
    prices.price,
    prices.fx,
    prices.contracts,
    usage.usage,
    bills.bills,
    bills.prove,
):
    yuejie.add_command(command)
