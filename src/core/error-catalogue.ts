type CatalogueEntry = {
  status: number
  /** The exit code of the command line. */
  exit: number
  title: string
  /** When it happens, for the reference. */
  when: string
  /** What solves it, for the reference; the hint of a single error is more exact. */
  fix: string
}

/** Every error a caller can meet, as data: it is the wire format, the exit code and the documentation in one table. */
export const catalogue = {
  invalid_input: {
    status: 400,
    exit: 2,
    title: 'The input is not valid',
    when: 'A field has the wrong type, is missing, is unknown, or is outside its range.',
    fix: 'Read `issues`: each names a path and what is wrong there. Field names and ranges are in the [API reference](api.md).',
  },
  invalid_file: {
    status: 400,
    exit: 2,
    title: 'A file is not valid',
    when: 'A file of the project, or one that you pass, cannot be parsed or breaks a rule of its kind.',
    fix: 'Correct the line that `detail` names; the fields of each kind of file are in [files](files.md). `keel plan` checks them without changing anything.',
  },
  model_mismatch: {
    status: 422,
    exit: 2,
    title: 'The model and what was said of it do not go together',
    when: 'A version is registered whose file cannot be asked as its signature says, or none of whose outputs can be what the spec serves.',
    fix: '`detail` names the inputs or outputs with their types and shapes. Correct the signature (`columns` for inputs, `output` for the answer), or export the model again; see the guide to serving.',
  },
  usage: {
    status: 400,
    exit: 2,
    title: 'The command is not valid',
    when: 'A word, an argument or an option is unknown, missing or has a value that it cannot have.',
    fix: 'Run the same command with `--help`; the nearest known word is in the hint.',
  },
  unauthenticated: {
    status: 401,
    exit: 5,
    title: 'Nobody is signed in',
    when: 'The server listens beyond this machine and the request carries no token or session, or one that is unknown, expired, revoked or ended; or a name and password do not fit.',
    fix: "People sign in in a browser. For programs, create a token with `keel token create` on the server's machine; send it as `Authorization: Bearer …`, or set `KEEL_TOKEN` for commands.",
  },
  forbidden: {
    status: 403,
    exit: 5,
    title: 'The role does not allow this',
    when: 'Who asks is known, but the role (viewer, member, admin) is lower than the operation needs, or the scopes of the token leave it out.',
    fix: 'Ask an admin for the role or the scope that `detail` names. Roles are in the [API reference](api.md).',
  },
  untrusted_origin: {
    status: 403,
    exit: 5,
    title: 'The request comes from another site',
    when: "On loopback the `Host` or `Origin` header is not this machine's: a web page of somebody else may have sent it.",
    fix: 'Call the address that `keel up` printed. Behind a proxy, listen with `--host` and use tokens.',
  },
  not_found: {
    status: 404,
    exit: 2,
    title: 'It does not exist',
    when: 'Nothing has the name or id that the request gives, or the path leads nowhere.',
    fix: 'Check the spelling of `name`; the hint says which command lists what there is.',
  },
  conflict: {
    status: 409,
    exit: 2,
    title: 'It contradicts what is stored',
    when: 'The name is taken, the state does not allow the step, or somebody else changed it in between.',
    fix: 'Read the current state, then decide again; `detail` says what stands in the way.',
  },
  stale_token: {
    status: 409,
    exit: 1,
    title: 'Another worker holds this work now',
    when: 'A piece of background work took longer than its lease, and another worker went on with it.',
    fix: 'Nothing to do: the other worker finishes it. If it happens often, the machine is overloaded; see `keel doctor`.',
  },
  too_large: {
    status: 413,
    exit: 2,
    title: 'The input is too large',
    when: 'A body, a file or a list is larger than its limit.',
    fix: 'Send less at once; files go through `keel artifacts put`, which sends them in parts.',
  },
  uri_too_long: {
    status: 414,
    exit: 2,
    title: 'The path is too long',
    when: 'A path or query is longer than the server reads.',
    fix: 'Move the values into the body, or ask for fewer at once.',
  },
  unsupported_media_type: {
    status: 415,
    exit: 2,
    title: 'The content type is not supported',
    when: 'The `Content-Type` or `Content-Encoding` is not one that this path reads.',
    fix: 'Send one of those that `detail` lists, in most cases `application/json`.',
  },
  refused_by_policy: {
    status: 422,
    exit: 5,
    title: 'A policy refuses this',
    when: 'A rule of the project or of the release policy does not allow it now: a failed gate, a frozen model, an unvetted source, a rehearsal that is too old.',
    fix: '`detail` names the rule and `hint` the way out. `keel policy` shows where the model stands.',
  },
  needs_approval: {
    status: 422,
    exit: 5,
    title: 'Somebody has to approve this first',
    when: 'The spec asks for an approval by a person other than the one who asks.',
    fix: 'Let somebody else run `keel approve`, then repeat the command.',
  },
  digest_mismatch: {
    status: 422,
    exit: 2,
    title: 'The bytes do not have the digest they are named by',
    when: 'What arrived or what is stored is not what its `sha256:` digest says: damaged in transit or on disk.',
    fix: 'Send it again. For stored bytes run `keel fsck`, and restore the named file from a backup.',
  },
  too_many_requests: {
    status: 429,
    exit: 1,
    title: 'Too many requests',
    when: 'The queue of an endpoint is full, or a client asks faster than it may.',
    fix: 'Wait for the seconds of `Retry-After`, then try again with increasing pauses.',
  },
  budget_exceeded: {
    status: 429,
    exit: 5,
    title: 'It would cost more than is allowed',
    when: "A language model's answers have reached the budget of the day.",
    fix: "Wait for the next day (UTC), or raise `serves.limits.cost` in the model's spec.",
  },
  internal: {
    status: 500,
    exit: 1,
    title: 'Something unexpected happened',
    when: 'A defect of Evenkeel, or a failure that it does not know.',
    fix: "Look for the `requestId` in the server's log, and report it with that entry.",
  },
  not_supported: {
    status: 501,
    exit: 2,
    title: 'This server does not do that',
    when: 'The protocol or the operation has a part that this server does not implement, on purpose.',
    fix: '`detail` says what is used instead.',
  },
  upstream_failed: {
    status: 502,
    exit: 1,
    title: 'An upstream service failed',
    when: "A model's process, an inference server, a provider or a webhook's receiver could not be reached or answered with an error.",
    fix: "`detail` has its status or sentence. `keel endpoints` shows the state of each endpoint's runtime.",
  },
  not_ready: {
    status: 503,
    exit: 1,
    title: 'It is not ready yet',
    when: 'The server starts or stops, a model is being loaded, the database restarts, or a circuit breaker waits before it tries again.',
    fix: 'Try again after the seconds of `Retry-After`; `/v2/health/ready` says when.',
  },
  deadline_exceeded: {
    status: 504,
    exit: 1,
    title: 'The time for an answer is over',
    when: "The answer took longer than the caller or the spec's `serves.limits.timeout` allows.",
    fix: 'Raise the limit, send fewer rows, or look for the slow part with `keel endpoints` and `keel traces`.',
  },
  storage_full: {
    status: 507,
    exit: 1,
    title: 'There is no space left',
    when: 'The disk of the data folder is full, or its quota is used up.',
    fix: 'Free some space, run `keel gc`, or move the folder and start with `--data`.',
  },
  storage_read_only: {
    status: 507,
    exit: 1,
    title: 'The data folder cannot be written',
    when: 'The data folder, or a file in it, does not belong to the user who runs the server, or its disk is mounted read-only.',
    fix: 'Give the folder to that user, or choose another with `--data`.',
  },
  data_folder_in_use: {
    status: 500,
    exit: 2,
    title: 'Another server owns the data folder',
    when: 'A second process was started on a folder that one holds already.',
    fix: 'Use the running server at the address in the hint, or stop it first.',
  },
  database_newer: {
    status: 500,
    exit: 2,
    title: 'The database was written by a newer version',
    when: 'The database holds a migration that this version does not know.',
    fix: 'Install the newer version again. This one leaves the database as it is.',
  },
  port_in_use: {
    status: 500,
    exit: 2,
    title: 'The port is taken',
    when: 'Another process listens on the port.',
    fix: 'Choose another with `--port`, or stop the process that uses it.',
  },
  unreachable: {
    status: 503,
    exit: 6,
    title: 'The server does not answer',
    when: 'No server listens at the address, or the network between does not let requests through.',
    fix: 'Start one with `keel up`, or give its address with `--server`.',
  },
  interrupted: {
    status: 499,
    exit: 130,
    title: 'Interrupted',
    when: 'The command was stopped by Ctrl-C or a signal.',
    fix: 'Run the same command again: what it had finished is kept.',
  },
} as const satisfies Record<string, CatalogueEntry>
