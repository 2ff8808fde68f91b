"""What does a changed world look like, and what can a hand find out by turning it?

Every widget is a plain function (parameters -> data) behind a thin view, so the function is
tested without a browser and the view in a real one. Files, in the order of the course:

    task_picture    the words of transfer as switches over small grids, with what each way earns
    quiz            questions whose choices explain themselves
    player          plays planar rollouts on a canvas
    physics_panel   sliders over the physics; a worker thread streams what happens
    baked           the same panel from a precomputed grid, where no kernel answers
    live_curve      a training curve with a stop button
    live_field      a function of two numbers while it is learned, beside what it should become
    correction_field  two rooms; draw walls into the target, see what the source is told
    robustness_map  return over two parameters; click a cell and that rollout plays
    command_panel   robots that run on while a person turns what is asked of them
    context_curve   return over the context; choose what was trained, see where it still holds
    hindsight_view  an episode's replay buffer, before and after its goals are replaced
    goal_field      click a goal in the plane; its values, and the way there
    function_fit    drag points; what each learner makes of them follows the hand
    sprite_game     walk a small world whose drawings mean something, nothing, or something else
    knowledge_switches  carry a Q-function, policy, model or features to another grid; count the steps there
    bandit_game     pull the arms yourself, and see what others make of the same luck
    trial_paths     episode by episode in one task: the first searches, the second goes straight
    memory_path     what a recurrent policy holds in mind, step by step, in a plane
    step_landscape  the loss round a start, and where gradient steps of any rate lead
    belief_grid     explorers side by side on one gridworld, each with its belief; hide the goal yourself
    posterior_shots the belief over tasks shrinks with every shot; its samples and where they lead
    shots_and_shift learners side by side on the same tasks: more experience, or farther from training

Below them: `module` joins the JavaScript in `static/`, `codec` packs rollouts into bytes, `worker` is
the thread that simulates, `plane` is what the widgets seen from above share, `planar_paths` draws ways
over one, `page_widget` is what those share that need no kernel, `standalone` makes a page of a widget,
`poster` draws the picture that stands in for one, `figures` the static ones, both in the colours of
`palette`, and `figure_words` says what those show; `sprite_picture` draws tiles.
"""
