"""Contract numbers 合同编号: what paper, bill and page call a contract by."""
