"""DQN: targets by hand, values of a chain that are known, settings that are refused."""

import pytest
import torch

from course_lib.agents import dqn
from course_lib.core.networks import ActionValues
from course_lib.core.replay import Batch


def chain(gamma: float) -> tuple[Batch, torch.Tensor]:
    """All transitions of four states in a row: right leads on, to a reward of 1 and the end; left stays."""
    states, actions = torch.arange(3).repeat_interleave(2), torch.tensor([0.0, 1.0]).repeat(3)
    after = states + actions.long()
    batch = Batch(
        obs=torch.eye(4)[states],
        action=actions[:, None],
        reward=(after == 3).float(),
        next_obs=torch.eye(4)[after],
        terminated=after == 3,
        weight=torch.ones(6),
    )
    value = gamma ** torch.tensor([2.0, 1.0, 0.0])
    return batch, torch.stack([gamma * value, value], dim=1)  # to stay costs a step


def test_values_become_those_of_the_best_way():
    torch.manual_seed(0)
    batch, exact = chain(0.8)
    config = dqn.DQNConfig(gamma=0.8, learning_rate=3e-3, hidden=(32,))
    agent = dqn.Agent(4, 2, config)
    for _ in range(1200):
        record = dqn.update(agent, batch, config)
    torch.testing.assert_close(agent.policy(torch.eye(4)[:3]), exact, atol=0.02, rtol=0)
    assert agent.policy.act(torch.eye(4)[:3].numpy()).ravel().tolist() == [1, 1, 1]
    assert record["value"].item() == pytest.approx(exact.mean().item(), abs=0.02)


def test_only_the_action_that_was_taken_is_judged_and_weights_count():
    q = torch.tensor([[1.0, 50.0], [70.0, 3.0]])
    loss = dqn.value_loss(q, torch.tensor([[0.0], [1.0]]), torch.tensor([0.0, 1.0]), torch.tensor([1.0, 3.0]))
    assert loss.item() == pytest.approx((1.0 + 3 * 4.0) / 2)


def test_the_target_is_told_by_the_slow_copy_without_gradient():
    torch.manual_seed(0)
    batch, _ = chain(0.9)
    config = dqn.DQNConfig(gamma=0.9, polyak_rate=0.25)
    agent = dqn.Agent(4, 2, config)
    with torch.no_grad():
        agent.target_values.net[-1].bias += 10.0
    slow, seen = [p.clone() for p in agent.target_values.parameters()], []

    def target(reward, next_value, terminated, gamma):
        seen.append(next_value)
        return reward + gamma * ~terminated * next_value

    expected = agent.target_values(batch.next_obs).amax(1)
    dqn.update(agent, batch, config, td_target=target)
    torch.testing.assert_close(seen[0], expected)
    assert not seen[0].requires_grad and seen[0].mean() > 5.0
    for before, now, online in zip(
        slow, agent.target_values.parameters(), agent.policy.parameters(), strict=True
    ):
        torch.testing.assert_close(now, before + 0.25 * (online - before))


def test_an_agent_explores_as_its_settings_say():
    assert dqn.Agent(2, 3, dqn.DQNConfig(epsilon=0.35)).policy.epsilon == 0.35


def test_exploring_takes_any_action_as_often_as_it_is_told():
    torch.manual_seed(0)
    values = ActionValues(2, 4)
    best = values.act(torch.zeros(1, 2).numpy()).item()
    for epsilon, share in ((0.0, 1.0), (0.4, 0.7), (1.0, 0.25)):  # a quarter of the random ones is the best
        values.epsilon = epsilon
        drawn = values.sample(torch.zeros(20_000, 2))
        assert drawn.shape == (20_000, 1) and set(drawn.unique().tolist()) <= {0.0, 1.0, 2.0, 3.0}
        assert (drawn == best).float().mean().item() == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gamma": 1.5}, "gamma must be in"),
        ({"epsilon": -0.1}, "epsilon must be in"),
        ({"polyak_rate": 0.0}, "polyak_rate must be in"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
    ],
)
def test_bad_settings_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        dqn.DQNConfig(**setting)
