# SPDX-License-Identifier: GPL-2.0-only
#
# bash completion for vhost-fs-ctl. Commands and options are read from its
# help, so they are listed in one place only.

_vhost_fs_ctl_commands()
{
	"$1" help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z-]\{1,\}\) .*/\1/p'
}

_vhost_fs_ctl_options()
{
	"$1" help "$2" 2>/dev/null | sed -n 's/^  \(-j, \)\{0,1\}\(--[a-z0-9-]\{1,\}\)[[ ].*/\2/p'
}

_vhost_fs_ctl_shares()
{
	"$1" list-shares --json 2>/dev/null | sed -n 's/.*{"name": "\([^"]*\)".*/\1/p'
}

# The command among the words before the cursor, or nothing; sets $command.
_vhost_fs_ctl_find_command()
{
	local i

	command=
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			return
			;;
		esac
	done
}

_vhost_fs_ctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local ctl=${COMP_WORDS[0]} command words=

	_vhost_fs_ctl_find_command
	COMPREPLY=()
	case $command:$prev in
	*:--path | *:--socket-path)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	*:--user) mapfile -t COMPREPLY < <(compgen -u -- "$cur"); return ;;
	*:--group | *:--supplementary-group | *:--socket-group) mapfile -t COMPREPLY < <(compgen -g -- "$cur"); return ;;
	exec:--) mapfile -t COMPREPLY < <(compgen -c -- "$cur"); return ;;
	*:--cache) words="auto always metadata never" ;;
	*:--inode-file-handles) words="never prefer mandatory" ;;
	*:--locks) words="none remote" ;;
	*:--migration-mode) words="find-paths file-handles" ;;
	*:--migration-on-error) words="abort guest-error" ;;
	*:--sandbox) words="mount none" ;;
	*:--translate-uid | *:--translate-gid)
		words="guest: host: squash-guest: squash-host: forbid-guest: map:"
		;;
	*:--share) words=$(_vhost_fs_ctl_shares "$ctl") ;;
	*:--fd | *:--tag | *:--max-* | *:--*timeout | *:--[ug]id-map | *:--modcaps | *:--label | *:--xattrmap) return ;;
	:*) words="--json $(_vhost_fs_ctl_commands "$ctl")" ;;
	help:*) words=$(_vhost_fs_ctl_commands "$ctl") ;;
	state:state) words="show load save" ;;
	state:*)
		if [[ $cur = -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_vhost_fs_ctl_options "$ctl" state)" -- "$cur")
			return
		fi
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	remove-share:*) words=$(_vhost_fs_ctl_shares "$ctl") ;;
	set-share:*)
		words="$(_vhost_fs_ctl_options "$ctl" set-share) $(_vhost_fs_ctl_shares "$ctl")"
		;;
	*) words=$(_vhost_fs_ctl_options "$ctl" "$command") ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o default -F _vhost_fs_ctl vhost-fs-ctl
