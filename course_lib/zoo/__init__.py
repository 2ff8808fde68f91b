"""Which weights come with the course? Small policies, each with a card that says how it was trained.

store: read and write weights with their card. training: train what a recipe prepares, and store it.
epopt_recipes: how each of EPOpt's was trained. epopt_results: the paper's claims, measured on them.
darc_recipes: how DARC's and its rivals' were. darc_results: its claims. dann_results: those of domain
adaptation in vision, trained on the spot. contextual_recipes, contextual_results: the same for policies
that are told the task. goal_conditioned_recipes, goal_conditioned_results: for goals in hindsight.
bit_flip_results, c_learning_results: claims about goals, trained on the spot. The same for supervised
meta-learning (supervised_), recurrent (rl2_), gradient-based (maml_, maml_rl_), inferring (pearl_, varibad_)
learners; what a student turns by hand there: maml_fits, maml_landscape, pearl_shots, varibad_beliefs.
sample_efficiency: steps until a return, read off cards. bandit_baselines_results, rl2_bandits_results,
estimators_results: claims about bandits and meta-gradients. result_rows: all rows that `course reproduce`
makes again. tables: results as Markdown.
"""
