"""The hosts that botocore's own rules give, for every region they know and a few they do not, as JSON."""

import json
import sys

from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import create_loader

SERVICES = ("sagemaker-runtime", "sagemaker", "sts", "sso", "sso-oidc")
UNKNOWN = ("us-nowhere-7", "cn-nowhere-7", "us-gov-nowhere-7", "us-isof-nowhere-7", "xx-nowhere-7", "mars")


def main():
    loader = create_loader()
    partitions = loader.load_data("partitions")
    regions = [region for partition in partitions["partitions"] for region in partition["regions"]]
    answer = []
    for service in SERVICES:
        rules = loader.load_service_model(service, "endpoint-rule-set-1")
        provider = EndpointProvider(rules, partitions)
        for region in (*regions, *UNKNOWN):
            for fips in (False, True):
                for dual_stack in (False, True):
                    given = {"Region": region, "UseFIPS": fips, "UseDualStack": dual_stack}
                    if "UseGlobalEndpoint" in rules["parameters"]:
                        given["UseGlobalEndpoint"] = False
                    found = provider.resolve_endpoint(**given)
                    schemes = (found.properties or {}).get("authSchemes") or [{}]
                    answer.append(
                        {
                            "service": service,
                            "region": region,
                            "fips": fips,
                            "dual_stack": dual_stack,
                            "url": found.url,
                            "signing_region": schemes[0].get("signingRegion", region),
                        }
                    )
    json.dump(answer, sys.stdout)


main()
