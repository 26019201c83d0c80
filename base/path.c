/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things are.
 */
#include "base/base.h"

/* An empty variable counts as unset: `BPFGUARD_RUN= bpfguard ...` must not mean the root. */
static const char *path_from(const char *variable, const char *otherwise)
{
	const char *value = secure_getenv(variable);

	return value && *value ? value : otherwise;
}

const char *base_policy_path(void)
{
	return path_from("BPFGUARD_POLICY", "/etc/bpfguard/policy.yaml");
}

const char *base_pins_dir(void)
{
	return path_from("BPFGUARD_PINS", "/sys/fs/bpf/bpfguard");
}

const char *base_run_dir(void)
{
	return path_from("BPFGUARD_RUN", "/run/bpfguard");
}

const char *base_log_dir(void)
{
	return path_from("BPFGUARD_LOG", "/var/log/bpfguard");
}

const char *base_docker_socket(void)
{
	return path_from("BPFGUARD_DOCKER", "/run/docker.sock");
}
