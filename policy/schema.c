// SPDX-License-Identifier: GPL-2.0-only
/*
 * The form of a policy as JSON Schema, for editors. It is looser than policy_parse() where a schema
 * cannot look at two places at once. What it refuses, policy_parse() refuses as well, but for words
 * made of digits alone: an editor takes them for numbers until they stand in quotes.
 */
#include "policy/internal.h"

#define NUMBER_(n) #n
#define NUMBER(n)  NUMBER_(n)

#define BYTE  "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define V4    "(" BYTE "\\\\.){3}" BYTE
#define V6    "[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"
#define ADDR  "(" V4 "|" V6 ")"
#define PROTO "(/([a-z0-9]+))?"

static const char top[] =
	"{\n"
	"  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	"  \"title\": \"bpfguard policy\",\n"
	"  \"description\": \"Which cgroups are guarded, and the only way out of each: "
	"bpfguard-policy(5).\",\n"
	"  \"type\": \"object\",\n"
	"  \"additionalProperties\": false,\n"
	"  \"required\": [\"version\", \"guards\"],\n"
	"  \"properties\": {\n"
	"    \"version\": {\"description\": \"Version of this format.\", \"const\": 1},\n"
	"    \"guards\": {\n"
	"      \"description\": \"The guards, each over its own cgroup.\",\n"
	"      \"type\": \"array\", \"minItems\": 1, \"maxItems\": " NUMBER(
		POLICY_MAX_GUARDS) ",\n"
				   "      \"items\": {\"$ref\": \"#/$defs/guard\"}\n"
				   "    }\n"
				   "  },\n"
				   "  \"$defs\": {\n";

static const char values[] =
	"    \"address\": {\n"
	"      \"description\": \"An IPv4 or IPv6 address.\",\n"
	"      \"type\": \"string\", \"pattern\": \"^" ADDR "$\"\n"
	"    },\n"
	"    \"prefix\": {\n"
	"      \"description\": \"A network, ADDRESS/LENGTH, with no bit set behind the length; "
	"at least /" NUMBER(POLICY_MIN_LOCAL4) " for IPv4 and /" NUMBER(
		POLICY_MIN_LOCAL6) " for IPv6.\",\n"
				   "      \"type\": \"string\",\n"
				   "      \"pattern\": \"^(" V4 "/([89]|[12][0-9]|3[0-2])|" V6
				   "/(3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-8]))$\"\n"
				   "    },\n";

static const char guard[] =
	"    \"guard\": {\n"
	"      \"type\": \"object\",\n"
	"      \"additionalProperties\": false,\n"
	"      \"required\": [\"name\", \"cgroup\", \"gateway\"],\n"
	"      \"properties\": {\n"
	"        \"name\": {\n"
	"          \"description\": \"Name of the guard in status, log and metrics.\",\n"
	"          \"type\": \"string\", \"pattern\": \"^[a-z0-9][a-z0-9_-]{0,30}$\"\n"
	"        },\n"
	"        \"cgroup\": {\n"
	"          \"description\": \"The containers' cgroup parent: a systemd slice "
	"(bpfguard.slice) or a path below the cgroup root (/bpfguard).\",\n"
	"          \"type\": \"string\", \"maxLength\": 255,\n"
	"          \"pattern\": "
	"\"^(/.*[^/]|[A-Za-z0-9:_\\\\\\\\][A-Za-z0-9:_.\\\\\\\\-]*\\\\.slice)$\"\n"
	"        },\n"
	"        \"mode\": {\n"
	"          \"description\": \"enforce refuses; audit lets through and reports.\",\n"
	"          \"enum\": [\"enforce\", \"audit\"], \"default\": \"enforce\"\n"
	"        },\n"
	"        \"gateway\": {\"$ref\": \"#/$defs/gateway\"},\n"
	"        \"local\": {\n"
	"          \"description\": \"Networks that are reached on-link, without the VPN.\",\n"
	"          \"type\": \"array\", \"maxItems\": " NUMBER(
		POLICY_MAX_LOCAL) ", "
				  "\"uniqueItems\": true,\n"
				  "          \"items\": {\"$ref\": \"#/$defs/prefix\"}, "
				  "\"default\": []\n"
				  "        },\n"
				  "        \"dns\": {\"$ref\": \"#/$defs/dns\"},\n"
				  "        \"kill_switch\": {\"$ref\": \"#/$defs/kill_switch\"},\n"
				  "        \"tests\": {\n"
				  "          \"description\": \"Cases that `bpfguard policy test` "
				  "runs.\",\n"
				  "          \"type\": \"array\", \"maxItems\": " NUMBER(
					  POLICY_MAX_TESTS) ",\n"
							    "          \"items\": {\"$ref\": "
							    "\"#/$defs/test\"}, \"default\": []\n"
							    "        }\n"
							    "      }\n"
							    "    },\n";

/* A scalar or a list of up to `max`, which counts both families. */
static void schema_addresses(FILE *out, const char *key, const char *description, int max)
{
	fprintf(out,
		"        \"%s\": {\n"
		"          \"description\": \"%s\",\n"
		"          \"oneOf\": [\n"
		"            {\"$ref\": \"#/$defs/address\"},\n"
		"            {\"type\": \"array\", \"minItems\": 1, \"maxItems\": %d, "
		"\"uniqueItems\": true,\n"
		"             \"items\": {\"$ref\": \"#/$defs/address\"}}\n"
		"          ]\n"
		"        },\n",
		key, description, max);
}

static void schema_gateway(FILE *out)
{
	fputs("    \"gateway\": {\n"
	      "      \"description\": \"The only way out.\",\n"
	      "      \"type\": \"object\",\n"
	      "      \"additionalProperties\": false,\n"
	      "      \"anyOf\": [{\"required\": [\"address\"]}, {\"required\": "
	      "[\"interface\"]}],\n"
	      "      \"properties\": {\n",
	      out);
	schema_addresses(out, "address",
			 "Next hop of every packet that leaves: inside a local network.",
			 2 * POLICY_MAX_GATEWAYS);
	fputs("        \"interface\": {\n"
	      "          \"description\": \"The tunnel's device, where the containers share the "
	      "gateway's network namespace.\",\n"
	      "          \"type\": \"string\", \"pattern\": \"^[^/:\\\\s]{1,15}$\"\n"
	      "        },\n"
	      "        \"container\": {\n"
	      "          \"description\": \"Name of the gateway's container.\",\n"
	      "          \"type\": \"string\", \"pattern\": "
	      "\"^[A-Za-z0-9][A-Za-z0-9_.-]{1,126}$\"\n"
	      "        }\n"
	      "      }\n"
	      "    },\n",
	      out);
}

static void schema_dns(FILE *out)
{
	fputs("    \"dns\": {\n"
	      "      \"type\": \"object\",\n"
	      "      \"additionalProperties\": false,\n"
	      "      \"properties\": {\n"
	      "        \"mode\": {\n"
	      "          \"description\": \"gateway sends every query to `server`; local-names "
	      "leaves single-label names to Docker; strict refuses queries to others.\",\n"
	      "          \"enum\": [\"gateway\", \"local-names\", \"strict\"], "
	      "\"default\": \"gateway\"\n"
	      "        },\n",
	      out);
	schema_addresses(out, "server", "The resolver; default: the gateway's addresses.",
			 2 * POLICY_MAX_DNS);
	fputs("        \"tls\": {\n"
	      "          \"description\": \"DNS over TLS (port 853) to other resolvers.\",\n"
	      "          \"enum\": [\"allow\", \"deny\"], \"default\": \"allow\"\n"
	      "        }\n"
	      "      }\n"
	      "    },\n",
	      out);
}

static const char kill_switch[] =
	"    \"kill_switch\": {\n"
	"      \"type\": \"object\",\n"
	"      \"additionalProperties\": false,\n"
	"      \"properties\": {\n"
	"        \"lease\": {\n"
	"          \"description\": \"How long traffic may go on without proof that the tunnel "
	"lives: 1s to 1h, or off.\",\n"
	"          \"type\": \"string\", \"pattern\": \"^(off|[1-9][0-9]{0,8}(ms|s|m|h))$\", "
	"\"default\": \"off\"\n"
	"        },\n"
	"        \"on_down\": {\"description\": \"What happens when the tunnel is down.\", "
	"\"const\": \"deny\", \"default\": \"deny\"}\n"
	"      }\n"
	"    },\n";

static const char test[] =
	"    \"test\": {\n"
	"      \"type\": \"object\",\n"
	"      \"additionalProperties\": false,\n"
	"      \"required\": [\"to\", \"expect\"],\n"
	"      \"properties\": {\n"
	"        \"to\": {\n"
	"          \"description\": \"ADDRESS[:PORT][/PROTO]; an IPv6 address before a port stands "
	"in [].\",\n"
	"          \"type\": \"string\", \"maxLength\": 63,\n"
	"          \"pattern\": \"^(" V4 "(:[1-9][0-9]{0,4})?|" V6 "|\\\\[" V6
	"\\\\](:[1-9][0-9]{0,4})?)" PROTO "$\"\n"
	"        },\n"
	"        \"via\": {\n"
	"          \"description\": \"Route of the packet: gateway, on-link, loopback, or the "
	"address of its next hop.\",\n"
	"          \"type\": \"string\", \"default\": \"gateway\",\n"
	"          \"pattern\": \"^(gateway|on-link|loopback|" ADDR ")$\"\n"
	"        },\n"
	"        \"namespace\": {\n"
	"          \"description\": \"The network namespace that the packet is in.\",\n"
	"          \"enum\": [\"container\", \"host\"], \"default\": \"container\"\n"
	"        },\n"
	"        \"vpn\": {\"description\": \"State of the tunnel.\", \"enum\": [\"up\", "
	"\"down\"], "
	"\"default\": \"up\"},\n"
	"        \"expect\": {\"description\": \"The verdict.\", \"enum\": [\"allow\", "
	"\"deny\"]},\n"
	"        \"reason\": {\n"
	"          \"description\": \"The reason of the verdict, as in `bpfguard log`; default: "
	"any.\",\n"
	"          \"type\": \"string\", \"pattern\": \"^[a-z0-9_]{1,31}$\"\n"
	"        }\n"
	"      }\n"
	"    }\n"
	"  }\n"
	"}\n";

void policy_schema(FILE *out)
{
	fputs(top, out);
	fputs(values, out);
	fputs(guard, out);
	schema_gateway(out);
	schema_dns(out);
	fputs(kill_switch, out);
	fputs(test, out);
}
