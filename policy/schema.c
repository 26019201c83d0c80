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
#define PORT  ":[1-9][0-9]{0,4}"
#define AT    "(" V4 "|\\\\[" V6 "\\\\])" PORT

#define DOCKER_NAME "^[A-Za-z0-9][A-Za-z0-9_.-]{1,126}$"
#define DEVICE	    "^[^/:\\\\s]{1,15}$"

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
				  "        \"uplink\": {\"$ref\": \"#/$defs/uplink\"},\n"
				  "        \"link\": {\"$ref\": \"#/$defs/link\"},\n"
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
	      "      \"not\": {\"required\": [\"container\", \"netns\"]},\n"
	      "      \"properties\": {\n",
	      out);
	schema_addresses(out, "address",
			 "Next hop of every packet that leaves: inside a local network.",
			 2 * POLICY_MAX_GATEWAYS);
	fputs("        \"interface\": {\n"
	      "          \"description\": \"The tunnel's device, where the containers share the "
	      "gateway's network namespace.\",\n"
	      "          \"$ref\": \"#/$defs/device\"\n"
	      "        },\n"
	      "        \"container\": {\n"
	      "          \"description\": \"Name of the gateway's container.\",\n"
	      "          \"type\": \"string\", \"pattern\": "
	      "\"" DOCKER_NAME "\"\n"
	      "        },\n"
	      "        \"netns\": {\n"
	      "          \"description\": \"File of the gateway's network namespace, for runtimes "
	      "other than Docker.\",\n"
	      "          \"$ref\": \"#/$defs/path\"\n"
	      "        },\n"
	      "        \"control\": {\"$ref\": \"#/$defs/control\"}\n"
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

static const char watch_values[] =
	"    \"path\": {\n"
	"      \"description\": \"Absolute path of a file.\",\n"
	"      \"type\": \"string\", \"maxLength\": 255, \"pattern\": \"^/(.*[^/])$\"\n"
	"    },\n"
	"    \"port\": {\n"
	"      \"anyOf\": [\n"
	"        {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 65535},\n"
	"        {\"type\": \"string\", \"pattern\": \"^[1-9][0-9]{0,4}$\"}\n"
	"      ]\n"
	"    },\n"
	"    \"switch\": {\"enum\": [\"on\", \"off\"]},\n"
	"    \"device\": {\"type\": \"string\", \"pattern\": \"" DEVICE "\"},\n"
	"    \"docker_name\": {\"type\": \"string\", \"pattern\": \"" DOCKER_NAME "\"},\n"
	"    \"endpoint\": {\n"
	"      \"description\": \"ADDRESS:PORT/udp or /tcp, by default udp; never a host name.\",\n"
	"      \"type\": \"string\", \"maxLength\": 63, \"pattern\": \"^" AT "(/(udp|tcp))?$\"\n"
	"    },\n"
	"    \"tcp_target\": {\n"
	"      \"description\": \"ADDRESS:PORT.\",\n"
	"      \"type\": \"string\", \"maxLength\": 63, \"pattern\": \"^" AT "(/tcp)?$\"\n"
	"    },\n"
	"    \"control\": {\n"
	"      \"description\": \"The gateway's control API, as further evidence of the tunnel's "
	"state.\",\n"
	"      \"type\": \"object\",\n"
	"      \"additionalProperties\": false,\n"
	"      \"required\": [\"port\"],\n"
	"      \"properties\": {\n"
	"        \"port\": {\"$ref\": \"#/$defs/port\"},\n"
	"        \"auth\": {\"enum\": [\"none\", \"basic\", \"apikey\"], \"default\": \"none\"},\n"
	"        \"secret_file\": {\n"
	"          \"description\": \"Holds USER:PASSWORD or the key.\",\n"
	"          \"$ref\": \"#/$defs/path\"\n"
	"        }\n"
	"      }\n"
	"    },\n";

static const char sides[] =
	"    \"uplink\": {\n"
	"      \"description\": \"What the gateway's own packets may reach outside of the "
	"tunnel.\",\n"
	"      \"type\": \"object\",\n"
	"      \"additionalProperties\": false,\n"
	"      \"properties\": {\n"
	"        \"guard\": {\n"
	"          \"description\": \"Default: on with gateway.container or gateway.netns, else "
	"off.\",\n"
	"          \"$ref\": \"#/$defs/switch\"\n"
	"        },\n"
	"        \"interface\": {\n"
	"          \"description\": \"The uplink in the gateway's namespace.\",\n"
	"          \"$ref\": \"#/$defs/device\", \"default\": \"auto\"\n"
	"        },\n"
	"        \"network\": {\"description\": \"Its Docker network.\", \"$ref\": "
	"\"#/$defs/docker_name\"},\n"
	"        \"bridge\": {\"description\": \"Its device on the host.\", \"$ref\": "
	"\"#/$defs/device\"},\n"
	"        \"endpoints\": {\n"
	"          \"description\": \"The tunnel's far ends; auto reads them from the live "
	"tunnel.\",\n"
	"          \"oneOf\": [\n"
	"            {\"const\": \"auto\"},\n"
	"            {\"$ref\": \"#/$defs/endpoint\"},\n"
	"            {\"type\": \"array\", \"minItems\": 1, \"maxItems\": " NUMBER(
		POLICY_MAX_ENDPOINTS) ",\n"
				      "             \"uniqueItems\": true, \"items\": {\"$ref\": "
				      "\"#/$defs/endpoint\"}}\n"
				      "          ],\n"
				      "          \"default\": \"auto\"\n"
				      "        },\n"
				      "        \"outbound\": {\n"
				      "          \"description\": \"Networks that the gateway "
				      "itself may reach without the tunnel.\",\n"
				      "          \"type\": \"array\", \"maxItems\": " NUMBER(
					      POLICY_MAX_OUTBOUND) ", \"uniqueItems\": true,\n"
								   "          \"items\": "
								   "{\"$ref\": "
								   "\"#/$defs/prefix\"}, "
								   "\"default\": []\n"
								   "        }\n"
								   "      }\n"
								   "    },\n"
								   "    \"link\": {\n"
								   "      \"description\": "
								   "\"Frames of the protected "
								   "containers reach only the "
								   "gateway and peers.\",\n"
								   "      \"type\": \"object\",\n"
								   "      "
								   "\"additionalProperties\": "
								   "false,\n"
								   "      \"properties\": {\n"
								   "        \"seal\": {\n"
								   "          \"description\": "
								   "\"Default: on with "
								   "gateway.address and one of "
								   "gateway.container and "
								   "gateway.netns, else off.\",\n"
								   "          \"$ref\": "
								   "\"#/$defs/switch\"\n"
								   "        },\n"
								   "        \"network\": "
								   "{\"description\": \"The VPN's "
								   "Docker network.\", \"$ref\": "
								   "\"#/$defs/docker_name\"},\n"
								   "        \"bridge\": "
								   "{\"description\": \"Its device "
								   "on the host.\", \"$ref\": "
								   "\"#/$defs/device\"}\n"
								   "      }\n"
								   "    },\n";

static const char kill_switch[] =
	"    \"kill_switch\": {\n"
	"      \"type\": \"object\",\n"
	"      \"additionalProperties\": false,\n"
	"      \"properties\": {\n"
	"        \"lease\": {\n"
	"          \"description\": \"How long traffic may go on without proof that the tunnel "
	"lives: 1s to 1h, or off. Default: 5s with gateway.container or gateway.netns, else "
	"off.\",\n"
	"          \"type\": \"string\", \"pattern\": \"^(off|[1-9][0-9]{0,8}(ms|s|m|h))$\"\n"
	"        },\n"
	"        \"on_down\": {\n"
	"          \"description\": \"What happens when the tunnel is down: traffic is denied, or "
	"the containers are stopped as well.\",\n"
	"          \"enum\": [\"deny\", \"stop\"], \"default\": \"deny\"\n"
	"        },\n"
	"        \"probe\": {\n"
	"          \"description\": \"How a silent tunnel is asked whether it lives.\",\n"
	"          \"type\": \"object\",\n"
	"          \"additionalProperties\": false,\n"
	"          \"properties\": {\n"
	"            \"icmp\": {\n"
	"              \"oneOf\": [\n"
	"                {\"$ref\": \"#/$defs/address\"},\n"
	"                {\"type\": \"array\", \"maxItems\": " NUMBER(
		POLICY_MAX_PROBES) ", \"uniqueItems\": true,\n"
				   "                 \"items\": {\"$ref\": \"#/$defs/address\"}}\n"
				   "              ],\n"
				   "              \"default\": [\"1.1.1.1\", \"8.8.8.8\"]\n"
				   "            },\n"
				   "            \"tcp\": {\n"
				   "              \"oneOf\": [\n"
				   "                {\"$ref\": \"#/$defs/tcp_target\"},\n"
				   "                {\"type\": \"array\", \"maxItems\": " NUMBER(
					   POLICY_MAX_PROBES) ", \"uniqueItems\": true,\n"
							      "                 \"items\": "
							      "{\"$ref\": "
							      "\"#/$defs/tcp_target\"}}\n"
							      "              ],\n"
							      "              \"default\": "
							      "[\"1.1.1.1:443\", \"8.8.8.8:443\"]\n"
							      "            },\n"
							      "            \"every\": {\n"
							      "              \"description\": "
							      "\"200ms to half the lease.\",\n"
							      "              \"type\": \"string\", "
							      "\"pattern\": "
							      "\"^[1-9][0-9]{0,8}(ms|s|m|h)$\", "
							      "\"default\": \"1s\"\n"
							      "            }\n"
							      "          }\n"
							      "        }\n"
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
	fputs(watch_values, out);
	fputs(guard, out);
	schema_gateway(out);
	schema_dns(out);
	fputs(sides, out);
	fputs(kill_switch, out);
	fputs(test, out);
}
