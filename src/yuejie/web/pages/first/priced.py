"""Prices that are typed: a small price file, checked and published like any other."""

import json
from typing import Literal

from pydantic import BaseModel, Field

from yuejie.kernel.errors import Invalid
from yuejie.web.shapes.customers import Text


class PriceForm(BaseModel):
    """Rates per million tokens of some models, for one book."""

    kind: Literal["cost", "sale"] = "sale"
    book: Text = ""
    currency: Literal["CNY", "USD"] = "CNY"
    model: list[Text] = Field(default=[], max_length=100)
    input: list[Text] = Field(default=[], max_length=100)
    cache_read: list[Text] = Field(default=[], max_length=100)
    output: list[Text] = Field(default=[], max_length=100)

    def file(self) -> bytes:
        """Return what was typed as our JSON price file; a model without any rate is left out."""
        rows = list(zip(self.model, self.input, self.cache_read, self.output, strict=False))
        if len(rows) != len(self.model):
            raise Invalid("表单不完整，未发布；请刷新页面后重新填写")
        priced = {
            model: {
                meter: rate.strip()
                for meter, rate in (
                    ("input", put_in),
                    ("cache_read", cached),
                    ("output", put_out),
                )
                if rate.strip()
            }
            for model, put_in, cached, put_out in rows
            if put_in.strip() or put_out.strip() or cached.strip()
        }
        if not priced:
            raise Invalid("请至少给一个模型填写输入单价（每百万 token）")
        document = {"currency": self.currency, "source": "开始使用：页面填写", "models": priced}
        return json.dumps(document, ensure_ascii=False).encode()
