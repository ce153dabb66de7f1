# Made by: entente completion bash
_entente_nouns='init up run stop status watch peers address sync circle invite join situation meeting report kinds bundle log verify rebuild help version completion case'
_entente_globals='--node --json --lang --quiet --help '

_entente_verbs() {
    case "${1/#case/situation}" in
    peers) echo 'add remove' ;;
    circle) echo 'found show members motion motions vote' ;;
    invite) echo 'list confirm refuse' ;;
    join) echo 'status confirm' ;;
    situation) echo 'draft edit offer withdraw invite note answer reveal conclude list care show' ;;
    meeting) echo 'plan open close list show' ;;
    bundle) echo 'make read' ;;
    esac
}

_entente_options() {
    case "${1/#case/situation}" in
    'init') echo '--structure --sector --listen --advertise --key-file --passphrase-fd --languages' ;;
    'up') echo '--key-file --passphrase-fd --listen --log-level' ;;
    'run') echo '--key-file --passphrase-fd --listen --log-level' ;;
    'watch') echo '--every --times' ;;
    'sync') echo '--wait' ;;
    'circle found') echo '--charter' ;;
    'circle motion') echo '--text' ;;
    'invite') echo '--role --valid --qr --list' ;;
    'invite confirm') echo '--yes-compared' ;;
    'join') echo '--confirm --yes-compared --wait --no-wait' ;;
    'join confirm') echo '--yes-compared' ;;
    'situation draft') echo '--code --name --note --text --period --age-band --tags' ;;
    'situation edit') echo '--title --code --name --note --text --period --age-band --tags' ;;
    'situation offer') echo '--basis --recognisable --structures --person-told' ;;
    'situation invite') echo '--basis --note' ;;
    'situation note') echo '--view' ;;
    'situation answer') echo '--q1 --q1-code --q1-text --q2-harm --q2-physical --q2-psychological --q2-text --q3-harm --q3-level --q3-text --q4-avoidable --q4-text --q5-text --mode --confidence' ;;
    'situation reveal') echo '--meeting' ;;
    'situation conclude') echo '--cooperation --patient-physical --patient-psychological --carer --avoidable --code --text --dissent' ;;
    'situation list') echo '--state' ;;
    'meeting plan') echo '--n --date --venue --kind' ;;
    'meeting open') echo '--situations' ;;
    'report') echo '--audience --format' ;;
    'bundle make') echo '--to --all' ;;
    'log') echo '--limit --why' ;;
    esac
}

_entente_choices() {
    case "${1/#case/situation}" in
    *' --lang') echo 'en fr' ;;
    'init --sector') echo 'private hospital community social peer justice other' ;;
    'up --log-level') echo 'error warn info debug' ;;
    'run --log-level') echo 'error warn info debug' ;;
    'invite --role') echo 'member moderator' ;;
    'situation draft --age-band') echo '16-17 18-25 26-45 46-65 66-85 85+' ;;
    'situation edit --age-band') echo '16-17 18-25 26-45 46-65 66-85 85+' ;;
    'situation offer --basis') echo 'same-team consent-outside-team exchange-identified-pros emergency-informed-later de-identified-review' ;;
    'situation offer --recognisable') echo 'no maybe yes' ;;
    'situation offer --person-told') echo 'yes no not-appropriate' ;;
    'situation invite --basis') echo 'same-team consent-outside-team exchange-identified-pros emergency-informed-later de-identified-review' ;;
    'situation note --view') echo 'own care' ;;
    'situation answer --q1') echo 'yes no unsure' ;;
    'situation answer --q2-harm') echo 'yes no unknown' ;;
    'situation answer --q2-physical') echo 'none low moderate severe fatal near-miss unknown' ;;
    'situation answer --q2-psychological') echo 'none low moderate severe fatal near-miss unknown' ;;
    'situation answer --q3-harm') echo 'yes no unknown' ;;
    'situation answer --q3-level') echo 'none low moderate severe fatal unknown' ;;
    'situation answer --q4-avoidable') echo 'yes partly no unknown' ;;
    'situation answer --mode') echo 'joint shared-lead parallel referral referral-with-return referral-no-return consult-only none unknown' ;;
    'situation conclude --cooperation') echo 'yes no' ;;
    'situation conclude --patient-physical') echo 'none low moderate severe fatal near-miss unknown' ;;
    'situation conclude --patient-psychological') echo 'none low moderate severe fatal near-miss unknown' ;;
    'situation conclude --carer') echo 'none low moderate severe fatal unknown' ;;
    'situation conclude --avoidable') echo 'yes partly no unknown' ;;
    'situation list --state') echo 'draft offered collecting revealed concluded withdrawn' ;;
    'meeting plan --kind') echo 'cmr clinical-case went-well training mixed' ;;
    'report --audience') echo 'circle structure' ;;
    'report --format') echo 'text json' ;;
    esac
}

_entente_complete() {
    local word="${COMP_WORDS[COMP_CWORD]}" before="" i words=()
    before="${COMP_WORDS[COMP_CWORD-1]}"
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${COMP_WORDS[i]}" in
        --node | --lang) i=$((i + 1)) ;;
        -*) ;;
        *) words+=("${COMP_WORDS[i]}") ;;
        esac
    done
    local noun="${words[0]:-}" verb="${words[1]:-}" command list
    command="$noun"
    if [ -n "$verb" ] && [[ " $(_entente_verbs "$noun") " == *" $verb "* ]]; then
        command="$noun $verb"
    fi
    list="$(_entente_choices "$command $before")"
    if [ -z "$list" ] && [ -z "$noun" ]; then
        list="$_entente_nouns $_entente_globals"
    elif [ -z "$list" ]; then
        list="$(_entente_options "$command") $_entente_globals"
        [ -n "$verb" ] || list="$(_entente_verbs "$noun") $list"
    fi
    mapfile -t COMPREPLY < <(compgen -W "$list" -- "$word")
}
complete -o default -F _entente_complete entente
