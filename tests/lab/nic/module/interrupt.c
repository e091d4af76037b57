// SPDX-License-Identifier: GPL-2.0-only
/*
 * One interrupt a queue, of an irq_chip of our own: real lines in /proc/interrupts, an smp_affinity that is obeyed, and
 * coalescing that delays. It is raised on the CPU that the affinity names, by an inter-processor interrupt.
 */
#include "labnic.h"

#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/version.h>

/* Bits of a queue's state. */
enum { ARMED, TIMER_RUNS, SENT_TIMER_RUNS };

static int labnic_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	struct labnic_queue *queue = irq_data_get_irq_chip_data(data);
	unsigned int cpu = cpumask_first_and(mask, cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		return -EINVAL;
	WRITE_ONCE(queue->cpu, cpu);
	irq_data_update_effective_affinity(data, cpumask_of(cpu));
	return IRQ_SET_MASK_OK;
}

static struct irq_chip labnic_chip = { .name = "labnic", .irq_set_affinity = labnic_set_affinity };

static irqreturn_t labnic_isr(int irq, void *argument)
{
	struct labnic_queue *queue = argument;

	queue->count[CH_EVENTS]++;
	napi_schedule_irqoff(&queue->napi);
	return IRQ_HANDLED;
}

static void labnic_irq_here(void *queue)
{
	generic_handle_irq_safe(((struct labnic_queue *)queue)->irq);
}

/* Callers have softirqs disabled or are interrupts: on this CPU the interrupt is a call, and NAPI comes when they end. */
static void labnic_irq_raise(struct labnic_queue *queue)
{
	if (!test_and_clear_bit(ARMED, &queue->state))
		return;
	atomic_set(&queue->pending, 0);
	/* Refuses when another interrupt is under way yet, as a busy poll may have been first: that one will do. */
	smp_call_function_single_async(READ_ONCE(queue->cpu), &queue->csd);
}

static enum hrtimer_restart labnic_irq_timer(struct hrtimer *timer)
{
	struct labnic_queue *queue = container_of(timer, struct labnic_queue, timer);

	clear_bit(TIMER_RUNS, &queue->state);
	smp_mb__after_atomic();
	labnic_irq_raise(queue);
	return HRTIMER_NORESTART;
}

static enum hrtimer_restart labnic_irq_sent_timer(struct hrtimer *timer)
{
	struct labnic_queue *queue = container_of(timer, struct labnic_queue, sent_timer);

	clear_bit(SENT_TIMER_RUNS, &queue->state);
	smp_mb__after_atomic();
	labnic_irq_raise(queue);
	return HRTIMER_NORESTART;
}

/* A frame was put into the ring: the interrupt comes now, after rx-usecs, or with frame number rx-frames. */
void labnic_irq_kick(struct labnic_queue *queue)
{
	u32 usecs = READ_ONCE(queue->coalesce.rx_coalesce_usecs);
	u32 frames = READ_ONCE(queue->coalesce.rx_max_coalesced_frames);

	smp_mb();	/* the frame before the look at ARMED; pairs with labnic_irq_arm() */
	if (!test_bit(ARMED, &queue->state))
		return;
	if (!usecs || atomic_inc_return(&queue->pending) >= (int)frames)
		labnic_irq_raise(queue);
	else if (!test_and_set_bit(TIMER_RUNS, &queue->state))
		hrtimer_start(&queue->timer, ns_to_ktime(usecs * 1000ull), HRTIMER_MODE_REL);
}

/* Frames were sent and no poll has seen them complete: the interrupt comes now, after tx-usecs, or with number tx-frames. */
static void labnic_irq_complete(struct labnic_queue *queue, u32 sent)
{
	u32 usecs = labnic_ignore_tx_usecs == 2 ? 0 : READ_ONCE(queue->coalesce.tx_coalesce_usecs);
	u32 frames = READ_ONCE(queue->coalesce.tx_max_coalesced_frames);

	if (!test_bit(ARMED, &queue->state))
		return;
	if (!usecs || (frames && sent >= frames))
		labnic_irq_raise(queue);
	else if (!test_and_set_bit(SENT_TIMER_RUNS, &queue->state))
		hrtimer_start(&queue->sent_timer, ns_to_ktime(usecs * 1000ull), HRTIMER_MODE_REL);
}

void labnic_irq_sent(struct labnic_queue *queue)
{
	if (READ_ONCE(labnic_tx_interrupts))	/* a full barrier, as in labnic_irq_kick(): */
		labnic_irq_complete(queue, atomic_inc_return(&queue->sent));
}

/* NAPI is done: the next frame may interrupt. A frame that came before this must not be forgotten. */
void labnic_irq_arm(struct labnic_queue *queue)
{
	u32 sent;

	set_bit(ARMED, &queue->state);
	smp_mb__after_atomic();
	sent = atomic_read(&queue->sent);
	if (sent)
		labnic_irq_complete(queue, sent);
	if (!__ptr_ring_empty(&queue->ring))
		labnic_irq_kick(queue);
}

/* No frame comes any more, and NAPI is disabled: waits for whatever may still be on its way to raise the interrupt. */
void labnic_irq_quiesce(struct labnic_queue *queue)
{
	hrtimer_cancel(&queue->timer);
	hrtimer_cancel(&queue->sent_timer);
	kick_all_cpus_sync();	/* the csd */
	synchronize_irq(queue->irq);
	queue->state = 0;
}

int labnic_irq_request(struct labnic_queue *queue, unsigned int cpu)
{
	/* Without an owner, unlike irq_alloc_desc(): our own interrupts would keep the module from going. */
	int irq = __irq_alloc_descs(-1, 1, 1, NUMA_NO_NODE, NULL, NULL), err;

	if (irq < 0)
		return irq;
	INIT_CSD(&queue->csd, labnic_irq_here, queue);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&queue->timer, labnic_irq_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	hrtimer_setup(&queue->sent_timer, labnic_irq_sent_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
#else
	hrtimer_init(&queue->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	queue->timer.function = labnic_irq_timer;
	hrtimer_init(&queue->sent_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	queue->sent_timer.function = labnic_irq_sent_timer;
#endif
	irq_set_chip_and_handler(irq, &labnic_chip, handle_simple_irq);
	irq_set_chip_data(irq, queue);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	/* Else smp_affinity is accepted and takes effect at the next interrupt only, if ever; later kernels need no flag. */
	irq_set_status_flags(irq, IRQ_MOVE_PCNTXT);
#endif
	err = request_irq(irq, labnic_isr, IRQF_NO_THREAD, queue->irq_name, queue);
	if (err) {
		irq_free_desc(irq);
		return err;
	}
	queue->irq = irq;
	return irq_set_affinity_and_hint(irq, cpumask_of(cpu));
}

void labnic_irq_free(struct labnic_queue *queue)
{
	if (!queue->irq)
		return;
	irq_update_affinity_hint(queue->irq, NULL);
	free_irq(queue->irq, queue);
	irq_free_desc(queue->irq);
}
